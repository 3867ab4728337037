package pulse

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

const (
	// requestTimeout bounds one question to the server. It is long because a
	// server that opens a Bluetooth device, or shares a busy machine, keeps
	// everybody waiting for seconds; one that has ended is noticed at once.
	requestTimeout = 5 * time.Second

	cookieSize = 256      // bytes
	tcpPort    = "4713"   // of a PulseAudio server that listens on TCP
	socketName = "native" // of the socket in the server's directory
	clientName = "s2c"    // what mixers call us
	mediaRole  = "phone"  // ducks music, lets headsets use their microphone
)

// A client is a connection to the server. The library starts a goroutine for
// it, which close waits for.
type client struct {
	proto *proto.Client
	link  *link
}

// connect connects to the server at the given address, or to the one that the
// environment names. events gets the server's messages and failed the reason
// why there will be no more; both run on the goroutine that reads, so they must
// neither wait nor ask the server anything.
func connect(ctx context.Context, server string, events func(any), failed func(error)) (*client, error) {
	var first error
	for _, a := range addresses(server, os.LookupEnv, os.Getuid()) {
		c, err := dial(ctx, a, events, failed)
		if err == nil {
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		// a server that refuses tells more than a socket that is not there
		if first == nil || errors.Is(first, fs.ErrNotExist) {
			first = err
		}
	}
	if first == nil {
		first = errors.New("no address to try; set PULSE_SERVER")
	}
	return nil, fmt.Errorf("%w: %w", ErrNoServer, first)
}

// dial connects to one address and introduces us. It never starts a server.
func dial(ctx context.Context, a address, events func(any), failed func(error)) (*client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, a.network, a.addr)
	if err != nil {
		return nil, err
	}
	c := &client{proto: &proto.Client{Callback: events}, link: newLink(conn, failed)}
	c.proto.SetTimeout(requestTimeout)
	c.proto.Open(c.link)
	release := c.until(ctx)
	defer release()

	var auth proto.AuthReply
	err = c.proto.Request(&proto.Auth{Version: c.proto.Version(), Cookie: cookie(os.LookupEnv)}, &auth)
	if err == nil {
		c.proto.SetVersion(auth.Version)
		err = c.proto.Request(&proto.SetClientName{Props: introduction()}, &proto.SetClientNameReply{})
	}
	if err != nil {
		c.close()
		return nil, fmt.Errorf("connect to %s: %w", a.addr, err)
	}
	return c, nil
}

// introduction says who we are.
func introduction() proto.PropList {
	return proto.PropList{
		"application.name":       proto.PropListString(clientName),
		"application.process.id": proto.PropListString(strconv.Itoa(os.Getpid())),
	}
}

// until lets ctx break the connection until release is called.
func (c *client) until(ctx context.Context) (release func() bool) {
	return context.AfterFunc(ctx, func() { c.link.conn.Close() })
}

// close breaks the connection, which makes every request fail, and waits until
// no message will be handed to events any more.
func (c *client) close() {
	c.link.conn.Close() // its error would tell nobody anything
	<-c.link.done
}

// An address is where a server may listen.
type address struct{ network, addr string }

// addresses returns where to look for the server, in that order. uid is the
// user's number, negative where there is none.
func addresses(server string, env func(string) (string, bool), uid int) []address {
	if server == "" {
		server, _ = env("PULSE_SERVER")
	}
	if server != "" {
		var list []address
		for s := range strings.FieldsSeq(server) {
			if a, ok := parseAddress(s); ok {
				list = append(list, a)
			}
		}
		return list
	}
	var list []address
	try := func(elem ...string) {
		// a relative path would be a socket that anybody could have laid out
		if path := filepath.Join(elem...); filepath.IsAbs(path) {
			list = append(list, address{"unix", path})
		}
	}
	if dir, ok := env("PULSE_RUNTIME_PATH"); ok {
		try(dir, socketName)
	}
	if dir, ok := env("XDG_RUNTIME_DIR"); ok {
		try(dir, "pulse", socketName)
	}
	if uid >= 0 {
		try("/run/user", strconv.Itoa(uid), "pulse", socketName)
		try("/var/run/pulse", socketName)
	}
	return list
}

// parseAddress understands one of PulseAudio's server strings: a path,
// unix:PATH, tcp:HOST:PORT (also tcp4 and tcp6), HOST:PORT or HOST, each perhaps
// with a machine's name in braces before it, which does not matter to us.
func parseAddress(s string) (address, bool) {
	if strings.HasPrefix(s, "{") {
		_, rest, ok := strings.Cut(s, "}")
		if !ok {
			return address{}, false
		}
		s = rest
	}
	network, addr := "tcp", s
	for _, n := range []string{"unix", "tcp", "tcp4", "tcp6"} {
		if rest, ok := strings.CutPrefix(s, n+":"); ok {
			network, addr = n, rest
		}
	}
	if strings.HasPrefix(s, "/") {
		network = "unix"
	}
	if addr == "" {
		return address{}, false
	}
	if network == "unix" {
		return address{network, addr}, true
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		addr = net.JoinHostPort(strings.Trim(addr, "[]"), tcpPort)
	}
	_, _, err := net.SplitHostPort(addr)
	return address{network, addr}, err == nil
}

// cookie returns the secret that proves who we are, or zeros: a server that
// knows us by our socket does not look at it, but insists on its length.
func cookie(env func(string) (string, bool)) []byte {
	var paths []string
	if path, ok := env("PULSE_COOKIE"); ok {
		paths = append(paths, path)
	}
	if dir, ok := env("XDG_CONFIG_HOME"); ok {
		paths = append(paths, filepath.Join(dir, "pulse", "cookie"))
	}
	if dir, ok := env("HOME"); ok {
		paths = append(paths, filepath.Join(dir, ".config", "pulse", "cookie"), filepath.Join(dir, ".pulse-cookie"))
	}
	for _, path := range paths {
		if b, err := os.ReadFile(path); err == nil && len(b) == cookieSize {
			return b
		}
	}
	return make([]byte, cookieSize)
}
