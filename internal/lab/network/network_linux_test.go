package network

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// on runs f in the namespace of a host and returns when it has.
func on(t *testing.T, n *Net, name string, f func() error) {
	t.Helper()
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends
		err := enter(n.namespace(name))
		if err == nil {
			err = f()
		}
		result <- err
	}()
	if err := <-result; err != nil {
		t.Fatalf("on host %s: %v", name, err)
	}
}

// socket opens a UDP socket on a host.
func socket(t *testing.T, n *Net, name string, port int) (c *net.UDPConn) {
	t.Helper()
	on(t, n, name, func() (err error) {
		c, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(n.Addr(name)), Port: port})
		return err
	})
	t.Cleanup(func() { c.Close() })
	if err := c.SetReadBuffer(4 << 20); err != nil {
		t.Fatal(err)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err2 := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) })
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return c
}

// receive reads a datagram and returns when it came, by the kernel: a test may
// have to wait for its turn.
func receive(c *net.UDPConn, b []byte) (n int, at time.Time, err error) {
	var oob [64]byte
	n, k, _, _, err := c.ReadMsgUDPAddrPort(b, oob[:])
	if err != nil {
		return n, at, err
	}
	list, err := unix.ParseSocketControlMessage(oob[:k])
	if err != nil || len(list) != 1 || len(list[0].Data) != 16 {
		return n, at, fmt.Errorf("control messages %v: %w", list, err)
	}
	ne := binary.NativeEndian
	return n, time.Unix(int64(ne.Uint64(list[0].Data)), int64(ne.Uint64(list[0].Data[8:]))), nil
}

// A shower is datagrams that were sent and what came of them.
type shower struct {
	count int
	came  []time.Duration // when each came, since the first was sent; missing ones are not there
	took  []time.Duration // how long each took
}

var showers uint64 // so far

// send sends datagrams of a size, one each period, and collects them.
func send(t *testing.T, from, to *net.UDPConn, count, size int, period time.Duration) shower {
	t.Helper()
	s := shower{count: count}
	showers++
	number := showers
	done := make(chan error)
	start := time.Now().Round(0) // by the clock of the kernel's stamps
	go func() {
		b := make([]byte, 2000)
		for {
			k, at, err := receive(to, b)
			if err != nil {
				done <- err
				return
			}
			i, end := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
			if end == number {
				done <- nil
				return
			}
			if end != 0 {
				continue // of a shower before
			}
			if k != size {
				done <- fmt.Errorf("a datagram of %d bytes has %d", size, k)
				return
			}
			s.came = append(s.came, at.Sub(start))
			s.took = append(s.took, at.Sub(time.Unix(0, int64(i))))
		}
	}()
	b := make([]byte, size)
	for i := range count {
		if wait := time.Duration(i)*period - time.Since(start); wait > 0 {
			time.Sleep(wait)
		}
		binary.BigEndian.PutUint64(b, uint64(time.Now().UnixNano()))
		if _, err := from.WriteTo(b, to.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	// The last one says so until it is heard.
	binary.BigEndian.PutUint64(b[8:], number)
	for range 20 {
		if _, err := from.WriteTo(b, to.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return s
		case <-time.After(400 * time.Millisecond): // more than any queue
		}
	}
	t.Fatal("nothing comes")
	return s
}

func (s shower) median() time.Duration {
	if len(s.took) == 0 {
		return -1
	}
	return slices.Sorted(slices.Values(s.took))[len(s.took)/2]
}

// measure calls f again until the wire has kept time, five times at most, and
// reports whether it has: a machine that is too busy says nothing about the wire.
func measure(t *testing.T, n *Net, f func()) bool {
	t.Helper()
	for range 5 {
		n.Fidelity()
		f()
		kept := n.Fidelity()
		if kept.Missed != 0 || kept.Frames == 0 {
			t.Errorf("the wire did not keep up: %+v", kept)
		}
		if kept.Worst < 3*ms {
			return true
		}
		t.Logf("the machine is too busy: %+v", kept)
	}
	return false
}

func TestNet(t *testing.T) {
	n := ForTest(t, "alice", "bob")
	a, b := socket(t, n, "alice", 0), socket(t, n, "bob", 0)

	t.Run("delay", func(t *testing.T) {
		n.Set("alice", Up, Shape{Delay: 10 * ms})
		n.Set("bob", Down, Shape{Delay: 15 * ms})
		var s, back shower
		calm := measure(t, n, func() { s, back = send(t, a, b, 100, 100, 2*ms), send(t, b, a, 100, 100, 2*ms) })
		if s.median() < 25*ms || calm && s.median() > 30*ms || len(s.came) != s.count {
			t.Errorf("%d of %d came after %v, want all after 25 ms", len(s.came), s.count, s.median())
		}
		if slices.Min(s.took) < 25*ms {
			t.Errorf("one came after %v, want 25 ms at least", slices.Min(s.took))
		}
		if calm && back.median() > 5*ms {
			t.Errorf("the way back takes %v, want no time", back.median())
		}
		t.Logf("25 ms: median %v, least %v; no delay: median %v", s.median(), slices.Min(s.took), back.median())
	})
	t.Run("loss", func(t *testing.T) {
		const count = 4000
		for _, c := range []Shape{{Loss: 0.2}, {Loss: 0.1, Burst: 3}} {
			n.Set("alice", Both, Shape{})
			n.Set("bob", Both, c)
			_, before := n.Counters("bob")
			s := send(t, a, b, count, 60, 50*time.Microsecond)
			_, after := n.Counters("bob")
			counts := after.Since(before)
			// Three standard deviations, of rows where they come in rows.
			share, spread := 1-float64(len(s.came))/count, 3*math.Sqrt(c.Loss/count*(1+2*c.Burst))
			if math.Abs(share-c.Loss) > spread {
				t.Errorf("%+v: %.3f are lost, want %.3f +- %.3f", c, share, c.Loss, spread)
			}
			// The last datagram was sent until it was heard.
			if came := counts.Frames - counts.Lost; int(came) < len(s.came)+1 || int(came) > len(s.came)+3 || counts.Dropped != 0 {
				t.Errorf("%+v: %d came, yet counted %+v", c, len(s.came), counts)
			}
		}
	})
	t.Run("rate", func(t *testing.T) {
		n.Set("bob", Both, Shape{})
		const size, heads = 958, etherSize + ipSize + udpSize
		for _, c := range []struct {
			rate  float64
			count int
		}{{10000, 300}, {1000, 60}} {
			n.Set("alice", Up, Shape{Rate: c.rate, Queue: 300 * ms})
			var s shower
			calm := measure(t, n, func() { s = send(t, a, b, c.count, size, 0) })
			took := (s.came[len(s.came)-1] - s.came[0]).Seconds()
			rate := float64((len(s.came)-1)*(size+heads)*8) / 1000 / took
			if calm && math.Abs(rate-c.rate) > 0.03*c.rate {
				t.Errorf("%.0f kbit/s came, want %.0f", rate, c.rate)
			}
			// The queue takes 300 ms, and the frame that is on its way.
			fits := min(c.count, int(c.rate*300/8/(size+heads))+1)
			if longest := slices.Max(s.took); len(s.came) < fits || len(s.came) > fits+1 || calm && longest > 330*ms {
				t.Errorf("at %.0f kbit/s %d of %d came, %v late; want %d, 300 ms", c.rate, len(s.came), c.count, longest, fits)
			}
			t.Logf("%.0f kbit/s: %.1f measured, %d of %d passed a queue of 300 ms", c.rate, rate, len(s.came), c.count)
		}
	})
	t.Run("cut", func(t *testing.T) {
		n.Set("alice", Both, Shape{Cut: true})
		up, _ := n.Counters("alice")
		for range 5 {
			if _, err := a.WriteTo([]byte("lost"), b.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		_ = b.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if k, err := b.Read(make([]byte, 10)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read %d bytes, %v, during an outage", k, err)
		}
		_ = b.SetReadDeadline(time.Time{})
		after, _ := n.Counters("alice")
		if c := after.Since(up); c.Lost != 5 {
			t.Errorf("5 datagrams of an outage are counted as %+v", c)
		}
		n.Set("alice", Both, Shape{})
		if s := send(t, a, b, 3, 100, ms); len(s.came) != 3 {
			t.Errorf("after an outage %d of 3 came", len(s.came))
		}
	})
	t.Run("rebind", func(t *testing.T) { testRebind(t, n, a, b) })
	t.Run("tcp", func(t *testing.T) { testTCP(t, n) })
}

// testRebind checks that after a rebinding the peer sees another port, that it is
// reached there, and at the old one no more.
func testRebind(t *testing.T, n *Net, a, b *net.UDPConn) {
	_ = a.SetReadDeadline(time.Now().Add(10 * time.Second))
	_ = b.SetReadDeadline(time.Now().Add(10 * time.Second))
	var ports []int
	buf := make([]byte, 10)
	for range 3 {
		if _, err := a.WriteTo([]byte("here"), b.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		_, from, err := b.ReadFromUDP(buf)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(ports, from.Port) {
			t.Errorf("port %d of %v is seen again", from.Port, ports)
		}
		for _, port := range append(slices.Clone(ports), from.Port) {
			if _, err := b.WriteToUDP(fmt.Append(nil, port), &net.UDPAddr{IP: from.IP, Port: port}); err != nil {
				t.Fatal(err)
			}
		}
		k, err := a.Read(buf) // only the newest is answered
		if want := fmt.Sprint(from.Port); err != nil || string(buf[:k]) != want {
			t.Errorf("an answer to port %s came, %v, want %s", buf[:k], err, want)
		}
		ports = append(ports, from.Port)
		n.Rebind("alice")
	}
}

// testTCP checks that a stream passes whole, with losses, and in frames that fit.
func testTCP(t *testing.T, n *Net) {
	n.Set("alice", Both, Shape{Loss: 0.02})
	n.Set("bob", Both, Shape{Delay: 2 * ms})
	before, _ := n.Counters("alice")
	var ln net.Listener
	on(t, n, "bob", func() (err error) {
		ln, err = net.Listen("tcp4", n.Addr("bob")+":7000")
		return err
	})
	defer ln.Close()
	want := bytes.Repeat([]byte("everything arrives "), 10000)
	sent := make(chan error, 1)
	on(t, n, "alice", func() error {
		c, err := net.DialTimeout("tcp4", ln.Addr().String(), 5*time.Second)
		if err == nil {
			go func() {
				_, err := c.Write(want)
				sent <- errors.Join(err, c.Close())
			}()
		}
		return err
	})
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := io.ReadAll(c)
	if err := errors.Join(err, <-sent); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d of %d bytes came: %v", len(got), len(want), err)
	}
	after, _ := n.Counters("alice")
	if c := after.Since(before); c.Bytes/c.Frames > 1514 {
		t.Errorf("%d frames had %d bytes", c.Frames, c.Bytes)
	}
}

func TestCommand(t *testing.T) {
	n := ForTest(t, "alice", "bob")
	cmd := exec.CommandContext(t.Context(), "ip", "-4", "-o", "addr", "show", "dev", "eth0")
	n.Command("bob", cmd)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), n.Addr("bob")+"/24") {
		t.Errorf("on bob, whose address is %s, the address is %s (%v)", n.Addr("bob"), out, err)
	}
}

func TestClose(t *testing.T) {
	first := ForTest(t, "a", "b")
	second, err := New(t.Context(), "a", "b") // beside it
	if err != nil {
		t.Fatal(err)
	}
	// A process that has ended leaves a host behind.
	gone := exec.CommandContext(t.Context(), "true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	old := fmt.Sprintf("%s%d-1-old", prefix, gone.Process.Pid)
	if err := first.run(t.Context(), []string{"netns add " + old}); err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	third, err := New(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := third.Close(); err != nil {
		t.Error(err)
	}
	list, err := os.ReadDir(namespaces)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if name := e.Name(); name == old || strings.HasPrefix(name, second.ours) || strings.HasPrefix(name, third.ours) {
			t.Errorf("namespace %s is left", name)
		}
	}
}

func TestNames(t *testing.T) {
	for _, names := range [][]string{{"a", "a"}, {""}, {"a b"}, {"../a"}, {"x", "+wire"}, make([]string, maxHosts+1)} {
		if n, err := New(t.Context(), names...); err == nil {
			t.Errorf("hosts %q were made", names)
			_ = n.Close()
		}
	}
}
