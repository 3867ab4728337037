package network

import (
	"encoding/binary"
	"testing"
)

// udpFrame returns a frame with a datagram from and to these ports, whose
// checksum is right.
func udpFrame(from, to uint16, payload string) []byte {
	f := make([]byte, offloadSize+etherSize, 100)
	be := binary.BigEndian
	length := uint16(udpSize + len(payload))
	f = append(f, 0x45, 0)
	f = be.AppendUint16(f, ipSize+length)
	f = append(f, 0, 0, 0, 0, 64, protoUDP, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2)
	f = be.AppendUint16(be.AppendUint16(f, from), to)
	f = append(be.AppendUint16(f, length), 0, 0)
	f = append(f, payload...)
	be.PutUint16(udpOf(f)[6:], ^sumOf(f))
	return f
}

// sumOf returns the sum over a datagram, with the checksum in it all ones.
func sumOf(frame []byte) uint16 {
	ip := frame[offloadSize+etherSize:]
	udp := append([]byte(nil), ip[ipSize:]...)
	sum := uint32(protoUDP) + uint32(len(udp))
	for _, b := range [][]byte{ip[12:20], append(udp, make([]byte, len(udp)%2)...)} {
		for ; len(b) >= 2; b = b[2:] {
			sum += uint32(binary.BigEndian.Uint16(b))
		}
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return uint16(sum)
}

func TestRebind(t *testing.T) {
	var n nat
	port := func(f []byte, at int) uint16 { return binary.BigEndian.Uint16(udpOf(f)[at:]) }
	f := udpFrame(5000, 1122, "before")
	if n.out(f); port(f, 0) != 5000 || !n.in(f) {
		t.Errorf("a NAT that is not there made port %d of 5000", port(f, 0))
	}
	seen := make(map[uint16]bool)
	for range 3 * mostBindings / 2 {
		n.rebind()
		for _, inside := range []uint16{5000, 5001} {
			for _, payload := range []string{"odd", "even"} {
				f := udpFrame(inside, 1122, payload)
				n.out(f)
				outside := port(f, 0)
				if outside == inside || sumOf(f) != 0xffff {
					t.Fatalf("port %d became %d, sum %x", inside, outside, sumOf(f))
				}
				back := udpFrame(1122, outside, payload)
				if !n.in(back) || port(back, 2) != inside || sumOf(back) != 0xffff {
					t.Fatalf("port %d became %d, sum %x, want %d", outside, port(back, 2), sumOf(back), inside)
				}
				seen[outside] = true
			}
		}
		if n.in(udpFrame(1122, 5000, "")) {
			t.Fatal("the host is reached at its own port")
		}
	}
	if len(seen) != 2*mostBindings {
		t.Errorf("%d ports were used, want %d", len(seen), 2*mostBindings)
	}
}

// TestSetPort checks checksums that are to be left alone.
func TestSetPort(t *testing.T) {
	for _, c := range []struct {
		offload byte
		crc     uint16
	}{{0, 0}, {needsCRC, 0x1234}} {
		f := udpFrame(1, 2, "x")
		f[0] = c.offload
		binary.BigEndian.PutUint16(udpOf(f)[6:], c.crc)
		setPort(f, udpOf(f), source, 3)
		if got := binary.BigEndian.Uint16(udpOf(f)[6:]); got != c.crc {
			t.Errorf("offload %d: checksum %#x became %#x", c.offload, c.crc, got)
		}
	}
}

// FuzzFrame checks that no frame that a host can send harms the wire.
func FuzzFrame(f *testing.F) {
	f.Add(udpFrame(1, 2, "x"))
	f.Add(make([]byte, offloadSize+etherSize))
	short := udpFrame(1, 2, "")
	short[offloadSize+etherSize] = 0x4f // a header of 60 bytes
	f.Add(short)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < offloadSize+etherSize {
			return
		}
		var n nat
		n.rebind()
		size := len(b)
		n.out(b)
		n.in(b)
		if len(b) != size {
			t.Errorf("%d bytes became %d", size, len(b))
		}
	})
}
