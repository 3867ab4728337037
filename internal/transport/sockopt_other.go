//go:build !linux && !darwin

package transport

import (
	"net"
	"time"
)

func tuneTCP(c *net.TCPConn, _ time.Duration) { tuneTCPAnywhere(c) }

func tuneUDP(c *net.UDPConn, buffer int) { tuneUDPAnywhere(c, buffer) }
