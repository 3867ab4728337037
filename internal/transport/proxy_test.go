package transport

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// An httpProxy lets those through who know its password, or says a status.
type httpProxy struct {
	url    *url.URL
	status string
	wg     sync.WaitGroup
}

func newHTTPProxy(t *testing.T, status string) *httpProxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &httpProxy{url: &url.URL{Scheme: "http", Host: ln.Addr().String(), User: url.UserPassword("ann", "secret:1")}, status: status}
	var conns []net.Conn
	p.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				break
			}
			conns = append(conns, c)
			p.wg.Go(func() { p.serve(c) })
		}
		for _, c := range conns {
			c.Close()
		}
	})
	t.Cleanup(func() {
		ln.Close()
		p.wg.Wait()
	})
	return p
}

func (p *httpProxy) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	req, err := http.ReadRequest(r)
	if err != nil || req.Method != http.MethodConnect {
		io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
		return
	}
	req.Header.Set("Authorization", req.Header.Get("Proxy-Authorization"))
	if name, password, _ := req.BasicAuth(); name != "ann" || password != "secret:1" {
		io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n")
		return
	}
	if p.status != "" {
		io.WriteString(c, p.status)
		return
	}
	hub, err := net.Dial("tcp", req.Host)
	if err != nil {
		return
	}
	io.WriteString(c, "HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
	var wg sync.WaitGroup
	wg.Go(func() {
		io.Copy(hub, r)
		hub.(*net.TCPConn).CloseWrite()
	})
	wg.Go(func() {
		io.Copy(c, hub)
		c.(*net.TCPConn).CloseWrite()
	})
	wg.Wait()
	hub.Close()
}

// TestProxy reaches a hub through an HTTP proxy, where all goes over TLS.
func TestProxy(t *testing.T) {
	l := listen(t, ListenConfig{})
	p := newHTTPProxy(t, "")
	hub, member := connect(t, l, DialConfig{Proxy: p.url})
	transfer(t, member, hub, "up")
	transfer(t, hub, member, "down")
	if member.udp.Load() != nil {
		t.Error("a member behind a proxy has a UDP socket")
	}
}

func TestProxyRefuses(t *testing.T) {
	l := listen(t, ListenConfig{})
	for _, tt := range []struct {
		status string
		change func(u *url.URL)
		want   string // in the error
		hint   string // in its hint; "" when it is none of the proxy's
	}{
		{"HTTP/1.1 403 Forbidden\r\n\r\n", nil, `"403 Forbidden"`, "443"},
		{"HTTP/1.1 403 \x1b[2J\r\n\r\n", nil, `"403 \x1b[2J"`, "443"},
		{"", func(u *url.URL) { u.User = url.UserPassword("ann", "wrong") }, `"407`, "PASSWORD@"},
		{"", func(u *url.URL) { u.User = nil }, `"407`, "PASSWORD@"},
		{"SSH-2.0-x\r\n\r\n", nil, "no HTTP proxy", "HTTPS_PROXY"},
		{"HTTP/1.1 2", nil, "EOF", "NO_PROXY"},
		{"", func(u *url.URL) { u.Host = "127.0.0.1:1" }, "refused", "NO_PROXY"},
		{"HTTP/1.1 200 " + strings.Repeat("x", maxProxyReply), nil, "no HTTP proxy", "HTTPS_PROXY"},
		{"", func(u *url.URL) { u.Scheme = "socks5" }, `not of "socks5"`, ""},
	} {
		p := newHTTPProxy(t, tt.status)
		u := *p.url
		if tt.change != nil {
			tt.change(&u)
		}
		_, err := Dial(t.Context(), DialConfig{Addr: l.Addr(), Verify: anyHub, Proxy: &u, timing: fastTiming})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("status %.30q: %v, want %s", tt.status, err, tt.want)
		}
		e, ok := errors.AsType[*ProxyError](err)
		if ok != (tt.hint != "") || ok && !strings.Contains(e.Hint(), tt.hint) {
			t.Errorf("status %.30q: %v is a ProxyError: %v, want a hint with %q", tt.status, err, ok, tt.hint)
		}
	}
}

func FuzzReadReply(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\n\r\nrest")
	f.Add("HTTP/1.0 407 x\r\nA: b\r\n\r\n")
	f.Add("\r\n\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		r := strings.NewReader(s)
		status, err := readReply(r)
		if len(status) > 100 || status != "" && (err != nil || len(status) < 3) {
			t.Errorf("status %q, %v", status, err)
		}
		if read := len(s) - r.Len(); err == nil && status != "" && !strings.HasSuffix(s[:read], "\r\n\r\n") {
			t.Errorf("read %d bytes of %q", read, s)
		}
	})
}
