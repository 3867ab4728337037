package transport

import "net"

const (
	tcpBuffer       = 64 << 10  // SO_SNDBUF in bytes: 64 KB in 200 ms are 2.6 Mbit/s
	udpBufferHub    = 4 << 20   // for all members together, in bytes
	udpBufferMember = 512 << 10 // in bytes
)

// tuneTCPAnywhere sets what every system knows. Go sets TCP_NODELAY itself.
func tuneTCPAnywhere(c *net.TCPConn) { _ = c.SetWriteBuffer(tcpBuffer) }

// tuneUDPAnywhere asks for buffers; the system may give less.
func tuneUDPAnywhere(c *net.UDPConn, buffer int) {
	_ = c.SetReadBuffer(buffer)
	_ = c.SetWriteBuffer(buffer)
}
