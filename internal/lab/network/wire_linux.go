package network

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxFrame   = offloadSize + etherSize + 65536
	socketRoom = 8 << 20 // bytes that the kernel may keep for us
	readAtOnce = 64      // frames of a host before the others have their turn
	lateFrom   = time.Millisecond
)

// A wire carries frames between the hosts. Its goroutine has a thread of its own,
// in the namespace of the far ends.
type wire struct {
	start   time.Time
	stop    *os.File // the end of the pipe that ends the goroutine when it is closed
	running sync.WaitGroup

	// Owned by run.
	fds   []int // a packet socket per host
	polls []unix.PollFd
	queue schedule
	buf   [maxFrame]byte
	spare [][]byte // frames for another time

	// Guarded by mu.
	mu       sync.Mutex
	up, down []*path
	nats     []nat
	fidelity Fidelity
}

// startWire starts a wire in a namespace, where the links of the hosts are.
func startWire(namespace string, links []string) (*wire, error) {
	r, stop, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	w := &wire{start: time.Now(), stop: stop, nats: make([]nat, len(links))}
	for range links {
		w.up, w.down = append(w.up, newPath()), append(w.down, newPath())
	}
	ready := make(chan error)
	w.running.Go(func() {
		defer r.Close()
		// Never unlocked, so that the thread, which is elsewhere now, ends.
		runtime.LockOSThread()
		err := enter(namespace)
		if err == nil {
			err = w.open(links)
		}
		ready <- err
		if err == nil {
			w.run(r)
		}
		for _, fd := range w.fds {
			_ = unix.Close(fd) // nothing was to be kept
		}
	})
	if err := <-ready; err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// close ends the goroutine.
func (w *wire) close() {
	w.stop.Close()
	w.running.Wait()
}

// enter moves this thread to a network namespace.
func enter(namespace string) error {
	f, err := os.Open(namespaces + namespace)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter namespace %s: %w", namespace, err)
	}
	return nil
}

// open opens the sockets.
func (w *wire) open(links []string) error {
	for _, link := range links {
		fd, err := openLink(link)
		if err != nil {
			return fmt.Errorf("open link %s: %w", link, err)
		}
		w.fds = append(w.fds, fd)
		w.polls = append(w.polls, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	return nil
}

// openLink opens a socket for the IPv4 frames of a link.
func openLink(link string) (fd int, err error) {
	// Closed until it is bound, or it would hear all links.
	if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return 0, err
	}
	index, err := indexOf(fd, link)
	for _, o := range []struct{ level, name, value int }{
		{unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1},
		{unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketRoom},
		{unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketRoom},
	} {
		if err == nil {
			err = unix.SetsockoptInt(fd, o.level, o.name, o.value)
		}
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_IP), Ifindex: index})
	}
	if err != nil {
		_ = unix.Close(fd) // the error that matters is the other
		return 0, err
	}
	return fd, nil
}

// indexOf returns the number of a link of this thread's namespace.
func indexOf(fd int, link string) (int, error) {
	r, err := unix.NewIfreq(link)
	if err != nil {
		return 0, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, r); err != nil {
		return 0, err
	}
	return int(r.Uint32()), nil
}

func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

// run carries frames until stop is closed.
func (w *wire) run(stop *os.File) {
	w.polls = append(w.polls, unix.PollFd{Fd: int32(stop.Fd()), Events: unix.POLLIN})
	for {
		if _, err := unix.Ppoll(w.polls, w.timeout(), nil); err != nil && err != unix.EINTR {
			panic("network: internal error: poll: " + err.Error()) // of descriptors that are ours
		}
		if w.polls[len(w.fds)].Revents != 0 {
			return
		}
		w.mu.Lock()
		for host, fd := range w.fds {
			if w.polls[host].Revents != 0 {
				w.receiveLocked(host, fd)
			}
		}
		w.deliverLocked()
		w.mu.Unlock()
	}
}

// timeout returns how long nothing is due, nil for ever.
func (w *wire) timeout() *unix.Timespec {
	at, ok := w.queue.first()
	if !ok {
		return nil
	}
	t := unix.NsecToTimespec(int64(max(0, at-time.Since(w.start))))
	return &t
}

// receiveLocked takes what a host has sent.
func (w *wire) receiveLocked(host, fd int) {
	for range readAtOnce {
		n, err := unix.Read(fd, w.buf[:])
		if err != nil {
			break // nothing more, or a link that is down for a moment
		}
		frame := w.buf[:n]
		if n < offloadSize+etherSize {
			continue
		}
		at, ok := w.up[host].pass(time.Since(w.start), n-offloadSize, udpOf(frame) != nil)
		to := hardware(frame) - 1
		if !ok || to < 0 || to >= len(w.fds) || to == host {
			continue
		}
		w.nats[host].out(frame)
		w.queue.add(event{at: at, stage: atSwitch, host: to, frame: w.keep(frame)})
	}
	if s, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		w.fidelity.Missed += uint64(s.Drops) // since the last call
	}
}

// deliverLocked hands over what is due.
func (w *wire) deliverLocked() {
	for {
		at, ok := w.queue.first()
		now := time.Since(w.start)
		if !ok || at > now {
			return
		}
		e := w.queue.take()
		if e.stage == atSwitch {
			// By the time at which it should have come: delays do not add up.
			if e.at, ok = w.down[e.host].pass(e.at, len(e.frame)-offloadSize, udpOf(e.frame) != nil); ok && w.nats[e.host].in(e.frame) {
				e.stage = atHost
				w.queue.add(e)
			} else {
				w.spare = append(w.spare, e.frame)
			}
			continue
		}
		if _, err := unix.Write(w.fds[e.host], e.frame); err != nil {
			w.fidelity.Missed++
		}
		w.spare = append(w.spare, e.frame)
		w.fidelity.Frames++
		w.fidelity.Worst = max(w.fidelity.Worst, now-e.at)
		if now-e.at > lateFrom {
			w.fidelity.Late++
		}
	}
}

// keep returns a copy of a frame.
func (w *wire) keep(frame []byte) []byte {
	n := len(w.spare)
	if n == 0 {
		return append(make([]byte, 0, 2048), frame...)
	}
	b := w.spare[n-1]
	w.spare = w.spare[:n-1]
	return append(b[:0], frame...)
}
