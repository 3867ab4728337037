package main

import (
	"bufio"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"

	"github.com/sanix-darker/s2c/internal/hubload"
)

// A packet of the relay: whose it is u32, counter u64, and sealed with them as
// additional data, the body. Everybody has the same key: it is about the work.
const (
	relayHead  = 12
	relayBytes = 1500
)

func newRelayAEAD() (cipher.AEAD, error) {
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// A relayMember is somebody who has sent something.
type relayMember struct {
	addr    netip.AddrPort
	counter uint64
}

// runRelay prints its address and relays until ctx is done: whatever a member
// sends goes to the others of its room, packet by packet.
func runRelay(ctx context.Context, out io.Writer) error {
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { udp.Close() })()
	_ = udp.SetReadBuffer(4 << 20) // the system may give less
	fmt.Fprintln(out, udp.LocalAddr())
	aead, err := newRelayAEAD()
	if err != nil {
		return err
	}
	members := make(map[uint32]*relayMember)
	var in, packet [relayBytes]byte
	var nonce [12]byte
	for {
		n, from, err := udp.ReadFromUDPAddrPort(in[:])
		if err != nil {
			return nil // the end, as it was meant to be
		}
		if n < relayHead+aead.Overhead() {
			continue
		}
		id := binary.BigEndian.Uint32(in[:])
		copy(nonce[4:], in[4:relayHead])
		body, err := aead.Open(in[relayHead:relayHead], nonce[:], in[relayHead:n], in[:relayHead])
		if err != nil {
			continue
		}
		m := members[id]
		if m == nil {
			m = new(relayMember)
			members[id] = m
		}
		m.addr = from
		first := id / roomSize * roomSize
		for other := first; other < first+roomSize; other++ {
			o := members[other]
			if other == id || o == nil {
				continue
			}
			o.counter++
			b := binary.BigEndian.AppendUint32(packet[:0], other)
			b = binary.BigEndian.AppendUint64(b, o.counter)
			copy(nonce[4:], b[4:])
			b = aead.Seal(b, nonce[:], body, b)
			if _, err := udp.WriteToUDPAddrPort(b, o.addr); err != nil {
				continue // it is lost
			}
		}
	}
}

// A relayRoom is the relay in a process of its own.
type relayRoom struct {
	cmd  *exec.Cmd
	addr string
}

func (r *relayRoom) start(ctx context.Context) (int, error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, err
	}
	r.cmd = exec.CommandContext(ctx, exe, "-relay")
	r.cmd.Stderr = os.Stderr
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := r.cmd.Start(); err != nil {
		return 0, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	r.addr = strings.TrimSpace(line)
	return r.cmd.Process.Pid, err
}

func (r *relayRoom) end() {
	if r.cmd != nil && r.cmd.Process != nil {
		_ = r.cmd.Process.Signal(os.Interrupt)
		_ = r.cmd.Wait()
	}
}

// A relayWay is a member of the relay.
type relayWay struct {
	udp     net.Conn
	aead    cipher.AEAD
	id      uint32
	counter uint64
	nonce   [12]byte
	body    [relayBytes]byte
	out     [relayBytes]byte
	opened  [12]byte // nonce of receive
	in      [relayBytes]byte
}

func (r *relayRoom) join(_ context.Context, i int) (hubload.Way, error) {
	udp, err := net.Dial("udp4", r.addr)
	if err != nil {
		return nil, err
	}
	_ = udp.(*net.UDPConn).SetReadBuffer(1 << 20) // the system may give less
	aead, err := newRelayAEAD()
	if err != nil {
		return nil, errors.Join(err, udp.Close())
	}
	w := &relayWay{udp: udp, aead: aead, id: uint32(i)}
	return w, w.Send(&hubload.Packet{}, hubload.Usual.VoiceSize) // makes it known
}

// Send implements hubload.Way. What it seals is who sends it u16, and the packet.
func (w *relayWay) Send(p *hubload.Packet, size int) error {
	w.counter++
	p.Append(binary.BigEndian.AppendUint16(w.body[:0], uint16(w.id%roomSize)))
	b := binary.BigEndian.AppendUint32(w.out[:0], w.id)
	b = binary.BigEndian.AppendUint64(b, w.counter)
	copy(w.nonce[4:], b[4:])
	_, err := w.udp.Write(w.aead.Seal(b, w.nonce[:], w.body[:size], b))
	return err
}

// Receive implements hubload.Way.
func (w *relayWay) Receive(p *hubload.Packet) (from uint16, err error) {
	n, err := w.udp.Read(w.in[:])
	if err != nil {
		return 0, err
	}
	if n < relayHead {
		return 0, io.ErrUnexpectedEOF
	}
	copy(w.opened[4:], w.in[4:relayHead])
	body, err := w.aead.Open(w.in[relayHead:relayHead], w.opened[:], w.in[relayHead:n], w.in[:relayHead])
	if err == nil && !p.Parse(body[2:]) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint16(body), nil
}

// Close implements hubload.Way.
func (w *relayWay) Close() { _ = w.udp.Close() }
