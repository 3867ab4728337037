// Package transport moves datagrams and messages between a member and a hub:
// TLS 1.3 over TCP, with sealed UDP beside it on the same port number once it
// gets through. It knows nothing of what the bytes mean.
package transport

import "time"

// DefaultPort is the port of a hub, TCP and UDP.
const DefaultPort = "1122"

// A Path says how datagrams travel now.
type Path uint8

// The paths.
const (
	PathTLS    Path = iota // inside the TLS connection
	PathUDP                // as sealed UDP datagrams
	PathMemory             // within this process
)

// String returns the word that people see: "tls", "udp" or "local".
func (p Path) String() string {
	switch p {
	case PathTLS:
		return "tls"
	case PathUDP:
		return "udp"
	case PathMemory:
		return "local"
	}
	panic("transport: internal error: path of no kind")
}

// Info describes a connection at one moment.
type Info struct {
	Binding  [32]byte      // the TLS exporter for "EXPORTER-s2c-join", the same at both ends
	Remote   string        // the other end's address
	Path     Path          // how datagrams are sent now
	RTT      time.Duration // round trip on that path, smoothed; 0 until measured
	Sent     uint64        // bytes sent, with this hop's own overhead but without IP, UDP and TCP headers
	Received uint64        // bytes received, likewise

	// What is known of the way there over UDP, from what the other end reports; zero
	// on other paths, and of an other end that does not report.
	Rate   int           // bit/s, with all heads, that it is found to take at most; 0 while nothing shows a limit
	Queue  time.Duration // by how much packets take longer than they could
	Loss   float64       // share of packets lost in the last seconds
	Silent bool          // no reports come any more
}

// A Conn is one end of a connection between a member and a hub.
//
// At most one goroutine may send datagrams, one receive datagrams, one send
// messages and one receive messages, all at the same time. Close unblocks
// them; they then return an error wrapping net.ErrClosed. When the other end
// has closed, they return an error wrapping io.EOF or what the network said;
// messages that arrived before are still received.
type Conn interface {
	// SendDatagram sends at most wire.MaxDatagram bytes. They may be lost,
	// repeated or overtaken. On PathTLS it waits while the other end takes no
	// more; it never waits for anybody else. b is the caller's again afterwards.
	SendDatagram(b []byte) error

	// RecvDatagram waits for a datagram, stores it in b, which must hold
	// wire.MaxDatagram bytes, and returns its size in bytes. A receiver that
	// falls behind loses the oldest.
	RecvDatagram(b []byte) (n int, err error)

	// SendMessage sends b, at most wire.MaxMessage bytes, reliably and in
	// order. It may wait as SendDatagram does.
	SendMessage(b []byte) error

	// RecvMessage waits for a message and returns it in b[:0], grown if needed.
	RecvMessage(b []byte) ([]byte, error)

	// Info may be called by any goroutine at any time.
	Info() Info

	// Close sends what was accepted, for at most one second, and ends the
	// connection. It may be called more than once.
	Close() error
}

// A Bundler is a Conn that can send several datagrams in one packet.
type Bundler interface {
	Conn

	// SendDatagrams is SendDatagram for each of list, in one packet as far as they
	// fit. It is called by the goroutine that calls SendDatagram.
	SendDatagrams(list [][]byte) error
}

// A Listener accepts members at a hub.
type Listener interface {
	// Accept waits for the next member whose connection is established. Close
	// unblocks it; it then returns an error wrapping net.ErrClosed.
	Accept() (Conn, error)

	// Addr returns the address that members dial, "host:port".
	Addr() string

	// Close stops accepting. Accepted connections live on until closed; the
	// sockets they share are released when the last of them has closed.
	Close() error
}
