package transport

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// serve answers each TCP connection with f and returns the address.
func serve(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				f(c)
			}()
		}
	}()
	return l.Addr().String()
}

// What answers and is no hub is told from what does not answer.
func TestDialErrors(t *testing.T) {
	key := testKey(t)
	speakTLS := func(change func(*tls.Config)) func(net.Conn) {
		config := hubTLS(key)
		change(config)
		return func(c net.Conn) {
			tc := tls.Server(c, config)
			tc.Write([]byte("220 welcome\r\n"))
			io.Copy(io.Discard, tc)
		}
	}
	say := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			c.Write([]byte(text))
			io.Copy(io.Discard, c)
		}
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	impostor := serve(t, speakTLS(func(*tls.Config) {}))
	tests := []struct {
		name   string
		addr   string
		notHub bool // else unreachable
	}{
		{"closed port", closed.Addr().String(), false},
		{"no port", "127.0.0.1", false},
		{"no such port", "127.0.0.1:99999", false},
		{"closes at once", serve(t, func(net.Conn) {}), false},
		{"closes after the hello", serve(t, func(c net.Conn) { io.ReadFull(c, make([]byte, 100)) }), false},
		{"says nothing", serve(t, func(c net.Conn) { io.Copy(io.Discard, c) }), false},
		{"echo", serve(t, func(c net.Conn) { io.Copy(c, c) }), true},
		{"SSH", serve(t, say("SSH-2.0-OpenSSH_9.2\r\n")), true},
		{"HTTP", serve(t, say("HTTP/1.1 400 Bad Request\r\n\r\n")), true},
		{"hangs up in the middle", serve(t, func(c net.Conn) {
			c.Write([]byte{22, 3, 3, 0, 100, 2})
			c.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, c)
		}), false},
		{"HTTPS", serve(t, speakTLS(func(c *tls.Config) { c.NextProtos = []string{"h2", "http/1.1"} })), true},
		{"TLS without a protocol", serve(t, speakTLS(func(c *tls.Config) { c.NextProtos = nil })), true},
		{"TLS 1.2", serve(t, speakTLS(func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
		})), true},
		{"our protocol, another hello", impostor, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			timing := fastTiming
			timing.dial = 500 * time.Millisecond // for what says nothing
			if tt.notHub {
				timing.dial = patience
			}
			asked := false
			c, err := Dial(t.Context(), DialConfig{Addr: tt.addr, timing: timing, Verify: func(string) error {
				asked = true
				return nil
			}})
			if err == nil {
				c.Close()
				t.Fatal("Dial succeeds")
			}
			op, unreachable := errors.AsType[*net.OpError](err)
			if errors.Is(err, ErrNotHub) != tt.notHub || unreachable == tt.notHub {
				t.Errorf("error %v (%v), want no hub: %v, unreachable: %v", err, op, tt.notHub, !tt.notHub)
			}
			// A key is compared, or remembered, only if it may be a hub's.
			if asked != (tt.addr == impostor) {
				t.Errorf("Verify was asked: %v", asked)
			}
		})
	}
}

// Dial asks Verify once, with the hub's own fingerprint, and passes its error on.
func TestDialVerifies(t *testing.T) {
	key := testKey(t)
	l := listen(t, ListenConfig{Key: key})
	mine := errors.New("wrong hub")
	var asked []string
	_, err := Dial(t.Context(), DialConfig{Addr: l.Addr(), timing: fastTiming, Verify: func(fp string) error {
		asked = append(asked, fp)
		return mine
	}})
	if !errors.Is(err, mine) || errors.Is(err, ErrNotHub) {
		t.Errorf("error %v, want one wrapping %v", err, mine)
	}
	if len(asked) != 1 || asked[0] != key.Fingerprint() {
		t.Errorf("Verify was asked about %q, want %q once", asked, key.Fingerprint())
	}
	if _, err := Dial(t.Context(), DialConfig{Addr: l.Addr()}); err == nil {
		t.Error("Dial succeeds without Verify")
	}
}

// The first visit is remembered; a hub with another key is not entered.
func TestPin(t *testing.T) {
	key := testKey(t)
	l := listen(t, ListenConfig{Key: key})
	known, err := OpenKnownHubs(filepath.Join(t.TempDir(), "known_hubs"))
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr()
	visit := func() (first bool, err error) {
		var fp string
		c, err := Dial(t.Context(), DialConfig{Addr: addr, timing: fastTiming, Verify: func(seen string) error {
			fp = seen
			old, err := known.Check(addr, seen)
			first = !old
			return err
		}})
		if err != nil {
			return first, err
		}
		defer c.Close()
		if first {
			err = known.Remember(addr, fp)
		}
		return first, err
	}
	for _, want := range []bool{true, false} {
		if first, err := visit(); first != want || err != nil {
			t.Fatalf("first visit: %v, %v, want %v", first, err, want)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, "the connections at the hub have ended", func() bool {
		l.mux.mu.RLock()
		defer l.mux.mu.RUnlock()
		return l.mux.users == 0
	})
	other := testKey(t)
	listenAgain(t, ListenConfig{Addr: addr, Key: other})
	_, err = visit()
	changed, ok := errors.AsType[*HubChangedError](err)
	if want := (HubChangedError{addr, key.Fingerprint(), other.Fingerprint(), known.path}); !ok || *changed != want {
		t.Fatalf("visit after the key has changed: %v, want %v", err, &want)
	}
	if _, err := known.Forget(addr); err != nil {
		t.Fatal(err)
	}
	if first, err := visit(); !first || err != nil {
		t.Errorf("visit after Forget: first %v, %v, want true", first, err)
	}
}

// A member sends no name of the hub and offers nothing to resume.
func TestMemberTellsNothing(t *testing.T) {
	hello := make(chan *tls.ClientHelloInfo, 1)
	config := hubTLS(testKey(t))
	config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		hello <- h
		return nil, nil
	}
	addr := serve(t, func(c net.Conn) { tls.Server(c, config).Handshake() })
	if c, err := Dial(t.Context(), DialConfig{Addr: addr, Verify: anyHub, timing: fastTiming}); err == nil {
		c.Close()
		t.Fatal("Dial succeeds without a hello")
	}
	h := <-hello
	if h.ServerName != "" || len(h.SupportedVersions) != 1 || h.SupportedVersions[0] != tls.VersionTLS13 {
		t.Errorf("the member sends name %q and versions %x, want none and TLS 1.3", h.ServerName, h.SupportedVersions)
	}
}
