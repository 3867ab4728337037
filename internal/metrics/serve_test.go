package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener in memory, so that a server runs in a bubble.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.done)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial returns the member's end of a new connection.
func (p *pipes) dial(t *testing.T) net.Conn {
	t.Helper()
	here, there := net.Pipe()
	select {
	case p.conns <- there:
	case <-p.done:
		t.Fatal("the listener is closed")
	}
	return here
}

// A bench is a server in a bubble.
type bench struct {
	t        *testing.T
	ln       *pipes
	draining atomic.Bool
	cancel   context.CancelFunc
	served   chan error
}

func newBench(t *testing.T) *bench {
	ctx, cancel := context.WithCancel(t.Context())
	b := &bench{t: t, ln: newPipes(), cancel: cancel, served: make(chan error, 1)}
	c := Config{
		Append:   func(b []byte) []byte { return AppendGauge(b, "x", "Xs.", 7) },
		Draining: b.draining.Load,
	}
	go func() { b.served <- Serve(ctx, b.ln, c) }()
	return b
}

// stop ends the server, which must take no longer than most.
func (b *bench) stop(most time.Duration) {
	b.t.Helper()
	start := time.Now()
	b.cancel()
	if err := <-b.served; err != nil {
		b.t.Errorf("Serve = %v, want nil", err)
	}
	if d := time.Since(start); d > most {
		b.t.Errorf("Serve ended after %v, want at most %v", d, most)
	}
}

// ask sends a request over a connection of its own.
func (b *bench) ask(method, path string) (code int, header http.Header, body string) {
	b.t.Helper()
	c := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return b.ln.dial(b.t), nil },
	}}
	r, err := http.NewRequestWithContext(b.t.Context(), method, "http://hub"+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := c.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

func TestServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		const figures = "# HELP x Xs.\n# TYPE x gauge\nx 7\n"
		tests := []struct {
			method, path string
			draining     bool
			code         int
			kind, body   string
		}{
			{"GET", "/metrics", false, 200, ContentType, figures},
			{"GET", "/metrics", true, 200, ContentType, figures},
			{"HEAD", "/metrics", false, 200, ContentType, ""},
			{"GET", "/healthz", false, 200, "text/plain; charset=utf-8", "ok\n"},
			{"GET", "/healthz", true, 503, "text/plain; charset=utf-8", "draining\n"},
			{"HEAD", "/healthz", true, 503, "text/plain; charset=utf-8", ""},
			{"POST", "/metrics", false, 405, "text/plain; charset=utf-8", "Method Not Allowed\n"},
			{"DELETE", "/healthz", false, 405, "text/plain; charset=utf-8", "Method Not Allowed\n"},
			{"GET", "/", false, 404, "text/plain; charset=utf-8", "404 page not found\n"},
			{"GET", "/metrics/x", false, 404, "text/plain; charset=utf-8", "404 page not found\n"},
			{"GET", "/debug/pprof/", false, 404, "text/plain; charset=utf-8", "404 page not found\n"},
		}
		for _, tt := range tests {
			b.draining.Store(tt.draining)
			code, header, body := b.ask(tt.method, tt.path)
			if kind := header.Get("Content-Type"); code != tt.code || kind != tt.kind || body != tt.body {
				t.Errorf("%s %s while draining is %v: %d, %q, %q, want %d, %q, %q",
					tt.method, tt.path, tt.draining, code, kind, body, tt.code, tt.kind, tt.body)
			}
		}
		b.stop(shutdownTime)
	})
}

// TestServeEndsWithSilentConnections checks that whoever says nothing, or
// takes no answer, neither stays for ever nor holds up the end.
func TestServeEndsWithSilentConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		silent := b.ln.dial(t)
		half := b.ln.dial(t)
		if _, err := io.WriteString(half, "GET /metrics HTTP/1.1\r\nHost: hub\r\n"); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for name, c := range map[string]net.Conn{"silent": silent, "half": half} {
			_, _ = io.Copy(io.Discard, c) // until the server hangs up; it may answer 408 first
			if d := time.Since(start); d > requestTime {
				t.Errorf("the %s one stayed for %v, want %v", name, d, requestTime)
			}
			c.Close()
		}
		deaf := b.ln.dial(t)
		if _, err := io.WriteString(deaf, "GET /metrics HTTP/1.1\r\nHost: hub\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the answer waits to be taken
		b.stop(shutdownTime)
		deaf.Close()
	})
}

func TestServeRefusesLongHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		c := b.ln.dial(t)
		go func() {
			// What net/http reads ahead comes on top of the limit.
			fmt.Fprintf(c, "GET /metrics HTTP/1.1\r\nHost: hub\r\nX: %s\r\n\r\n", strings.Repeat("x", maxHeader+8<<10))
		}()
		answer, _ := io.ReadAll(c)
		if !strings.HasPrefix(string(answer), "HTTP/1.1 431 ") {
			t.Errorf("the server answered %q, want 431", answer)
		}
		c.Close()
		b.stop(shutdownTime)
	})
}

// TestServeKeepsFewConnections fills the server and checks that one who leaves
// makes room.
func TestServeKeepsFewConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var all []net.Conn
		for range maxConns {
			all = append(all, b.ln.dial(t))
		}
		tooMany, start := b.ln.dial(t), time.Now()
		n, err := tooMany.Read(make([]byte, 1))
		if d := time.Since(start); !errors.Is(err, io.EOF) || d > 0 {
			t.Errorf("one too many read %d bytes, %v, after %v, want EOF at once", n, err, d)
		}
		all[0].Close()
		synctest.Wait()
		if code, _, _ := b.ask("GET", "/healthz"); code != 200 {
			t.Errorf("after one has gone: %d, want 200", code)
		}
		b.stop(shutdownTime)
		for _, c := range append(all, tooMany) {
			c.Close()
		}
	})
}

// A broken listener accepts nobody.
type broken struct{ net.Listener }

func (broken) Accept() (net.Conn, error) { return nil, io.ErrUnexpectedEOF }

func TestServeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := Serve(t.Context(), broken{newPipes()}, Config{})
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(err.Error(), "serve metrics at ") {
			t.Errorf("Serve = %v, want what Accept returned and where", err)
		}
	})
}
