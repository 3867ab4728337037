package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Who asks for figures is a machine that asks every few seconds, with a
// request of some hundred bytes. Whoever takes longer or sends more is
// something else.
const (
	requestTime  = 5 * time.Second  // to send a request
	answerTime   = 10 * time.Second // to take the answer
	idleTime     = 2 * time.Minute  // between requests; scrapers keep their connection
	maxHeader    = 8 << 10          // bytes of a request's header
	maxConns     = 32               // connections at once; further ones are closed
	shutdownTime = 500 * time.Millisecond
)

// A Config says what Serve answers. Its functions may be called by several
// goroutines at once, and must not block.
type Config struct {
	Append   func(b []byte) []byte // appends the text of /metrics
	Draining func() bool           // whether /healthz says that no new work is welcome
	Log      *slog.Logger          // nil logs nothing
}

// Serve answers GET and HEAD of /metrics and /healthz at ln until ctx is done
// or ln fails. /healthz is 200 with "ok", or 503 with "draining". When ctx is
// done Serve closes ln, lets answers end for half a second, and returns nil
// after all its goroutines have ended.
func Serve(ctx context.Context, ln net.Listener, c Config) error {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	var conns sync.WaitGroup // of the server's goroutines, each of which has one
	srv := &http.Server{
		Handler: c.mux(),
		ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew: // comes from srv.Serve
				conns.Add(1)
			case http.StateClosed, http.StateHijacked: // ends the goroutine
				conns.Done()
			default:
			}
		},
		ReadHeaderTimeout: requestTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		<-inner.Done()
		late, stop := context.WithTimeout(context.WithoutCancel(inner), shutdownTime)
		defer stop()
		if srv.Shutdown(late) != nil {
			_ = srv.Close()
		}
	})
	err := srv.Serve(&fewConns{Listener: ln})
	cancel()
	wg.Wait()
	conns.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve metrics at %s: %w", ln.Addr(), err)
}

// mux returns what answers by path. Another method than GET and HEAD is not
// allowed.
func (c Config) mux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ContentType)
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(c.Append(nil)) // who hangs up needs no answer
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		word := "ok\n"
		if c.Draining() {
			w.WriteHeader(http.StatusServiceUnavailable)
			word = "draining\n"
		}
		_, _ = io.WriteString(w, word)
	})
	return mux
}

// fewConns is a listener that closes connections beyond maxConns.
type fewConns struct {
	net.Listener
	open atomic.Int32
}

// Accept implements net.Listener.
func (l *fewConns) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.Add(1) <= maxConns {
			return &countedConn{Conn: c, open: &l.open}, nil
		}
		l.open.Add(-1)
		_ = c.Close()
	}
}

// A countedConn is a connection that gives back its place when it is closed.
type countedConn struct {
	net.Conn
	open *atomic.Int32
	once sync.Once
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}
