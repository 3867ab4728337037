package transport

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

// TestBatcher moves packets between sockets of all families, more than a batch
// has, and compares with package net.
func TestBatcher(t *testing.T) {
	for _, tt := range []struct{ network, listen, dial string }{
		{"udp4", "127.0.0.1:0", "127.0.0.1"},
		{"udp6", "[::1]:0", "::1"},
		{"udp", ":0", "127.0.0.1"}, // both families
		{"udp", ":0", "::1"},
	} {
		t.Run(tt.network+" "+tt.listen+" from "+tt.dial, func(t *testing.T) {
			hub, err := net.ListenPacket(tt.network, tt.listen)
			if err != nil {
				t.Skip("no such addresses here:", err)
			}
			udp := hub.(*net.UDPConn)
			defer udp.Close()
			port := udp.LocalAddr().(*net.UDPAddr).Port
			peer, err := net.Dial("udp", netip.AddrPortFrom(netip.MustParseAddr(tt.dial), uint16(port)).String())
			if err != nil {
				t.Skip("no such addresses here:", err)
			}
			defer peer.Close()

			// What package net says of the address of the first is what is wanted.
			if _, err := peer.Write([]byte("first")); err != nil {
				t.Fatal(err)
			}
			var buf [16]byte
			_, from, err := udp.ReadFromUDPAddrPort(buf[:])
			if err != nil {
				t.Fatal(err)
			}

			b, err := openSocket(udp)
			if err != nil {
				t.Fatal(err)
			}
			defer b.close()
			in := make([]message, batchLen)
			for i := range in {
				in[i].b = make([]byte, maxPacket+1)
			}
			if n, err := b.read(in, false); err == nil {
				t.Fatalf("read %d packets of none", n)
			}
			const count = batchLen + 10
			for i := range count {
				if _, err := peer.Write(bytes.Repeat([]byte{byte(i)}, i+1)); err != nil {
					t.Fatal(err)
				}
			}
			var out []message
			for len(out) < count {
				n, err := b.read(in, true)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range in[:n] {
					i := len(out)
					if want := bytes.Repeat([]byte{byte(i)}, i+1); !bytes.Equal(m.b[:m.n], want) || m.addr != from {
						t.Fatalf("packet %d: %x from %v, want %x from %v", i, m.b[:m.n], m.addr, want, from)
					}
					out = append(out, message{b: bytes.Clone(m.b[:m.n]), addr: m.addr})
				}
			}
			for rest := out; len(rest) > 0; {
				n, err := b.write(rest)
				if err != nil || n < 1 {
					t.Fatal(n, err)
				}
				rest = rest[n:]
			}
			if err := peer.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			big := make([]byte, maxPacket)
			for i, m := range out {
				if n, err := peer.Read(big); err != nil || !bytes.Equal(big[:n], m.b) {
					t.Fatalf("packet %d comes back as %x, %v", i, big[:n], err)
				}
			}
			if err := b.send([]byte("alone"), from); err != nil {
				t.Fatal(err)
			}
			if n, err := peer.Read(big); err != nil || string(big[:n]) != "alone" {
				t.Fatalf("a packet alone comes back as %x, %v", big[:n], err)
			}

			// What waits is told of one packet after another, and of the end.
			type result struct {
				n   int
				err error
			}
			read := make(chan result)
			go func() {
				for {
					n, err := b.read(in, true)
					read <- result{n, err}
					if err != nil {
						return
					}
				}
			}()
			for range 3 {
				if _, err := peer.Write([]byte("late")); err != nil {
					t.Fatal(err)
				}
				if r := <-read; r.n != 1 || r.err != nil {
					t.Fatalf("a packet that was waited for: %d, %v", r.n, r.err)
				}
			}
			b.close()
			if r := <-read; !errors.Is(r.err, net.ErrClosed) {
				t.Errorf("after close, read = %v", r.err)
			}
			if err := b.send([]byte("late"), from); !errors.Is(err, net.ErrClosed) {
				t.Errorf("after close, send = %v", err)
			}
		})
	}
}

// BenchmarkBatcher sends packets to itself, in batches and one by one.
func BenchmarkBatcher(b *testing.B) {
	for _, size := range []int{1, 8, batchLen} {
		b.Run(map[int]string{1: "1 at once", 8: "8 at once", batchLen: "64 at once"}[size], func(b *testing.B) {
			c, err := net.ListenPacket("udp4", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			udp := c.(*net.UDPConn)
			tuneUDP(udp, udpBufferHub)
			to := udp.LocalAddr().(*net.UDPAddr).AddrPort()
			batch, err := openSocket(udp)
			if err != nil {
				b.Fatal(err)
			}
			defer batch.close()
			in, out := make([]message, size), make([]message, size)
			for i := range in {
				in[i].b = make([]byte, maxPacket+1)
				out[i] = message{b: make([]byte, 700), addr: to}
			}
			b.ReportAllocs()
			for b.Loop() {
				for rest := out; len(rest) > 0; {
					n, err := batch.write(rest)
					if err != nil {
						b.Fatal(err)
					}
					rest = rest[n:]
				}
				for got := 0; got < size; {
					n, err := batch.read(in, true)
					if err != nil {
						b.Fatal(err)
					}
					got += n
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/packet")
		})
	}
}
