package ctl

import (
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// errStranger is told to who runs as somebody else.
var errStranger = errors.New("this call belongs to somebody else")

// checkPeer returns an error for somebody who is not the person whose call it
// is, nor root.
func checkPeer(conn net.Conn) error {
	c, ok := conn.(*net.UnixConn)
	if !ok {
		return nil // a pipe in this process
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var cred *unix.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	return checkUser(int(cred.Uid), os.Getuid())
}

func checkUser(peer, own int) error {
	if peer != own && peer != 0 {
		return errStranger
	}
	return nil
}
