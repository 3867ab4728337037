//go:build unix

package cli_test

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// terminate sends SIGTERM to this process.
func terminate(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// startDraining starts a server below a context that SIGTERM ends, as main has
// one, with a member in it.
func startDraining(t *testing.T, limit string) (*server, transport.Conn, context.CancelFunc) {
	t.Helper()
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	t.Cleanup(stop)
	s := startServer(ctx, t, t.TempDir(), "--metrics", "0", "--drain", limit)
	c, m := s.join(0, nil)
	if _, ok := m.(wire.Joined); !ok {
		t.Fatalf("a person was told %#v", m)
	}
	return s, c, stop
}

// wantClosing checks that the hub says goodbye, and that the server ends.
func (s *server) wantClosing(c transport.Conn) {
	s.t.Helper()
	if e, ok := s.next(c).(wire.Error); !ok || e.Code != wire.CodeClosing {
		s.t.Errorf("a member was told %#v, want that the hub closes", e)
	}
	<-s.done
	s.end() // checks the exit code
}

func TestServerDrains(t *testing.T) {
	s, c, _ := startDraining(t, "1h")
	if code, body := s.get("/healthz"); code != http.StatusOK {
		t.Errorf("/healthz before SIGTERM: %d, %q", code, body)
	}
	terminate(t)
	s.await(`hub drains, nobody new is let in" members=1 limit=1h`)
	if code, body := s.get("/healthz"); code != http.StatusServiceUnavailable || body != "draining\n" {
		t.Errorf("/healthz while draining: %d, %q, want 503, draining", code, body)
	}
	s.awaitFigure("s2c_draining", 1)
	s.awaitFigure("s2c_members", 1)
	if e, ok := s.ask(1, nil).(wire.Error); !ok || e.Code != wire.CodeClosing {
		t.Errorf("one who is new was told %#v, want that the hub closes", e)
	}
	s.awaitFigure(`s2c_refusals_total{reason="closing"}`, 1)
	c.Close() // the last one
	<-s.done
	s.await(`hub ends" why="all have left" members=0`)
	s.end()
}

func TestServerDrainsForALimitedTime(t *testing.T) {
	s, c, _ := startDraining(t, "10ms")
	terminate(t)
	s.wantClosing(c)
	s.await(`hub ends" why="the time is over" members=1`)
	c.Close()
}

func TestServerDrainEndsAtSecondSignal(t *testing.T) {
	s, c, _ := startDraining(t, "1h")
	terminate(t)
	s.await(`hub drains`)
	terminate(t)
	s.wantClosing(c)
	s.await(`hub ends" why="asked to a second time"`)
	c.Close()
}

// TestServerDrainEndsAtInterrupt ends the context, as SIGINT does in main.
func TestServerDrainEndsAtInterrupt(t *testing.T) {
	s, c, interrupt := startDraining(t, "1h")
	terminate(t)
	s.await(`hub drains`)
	interrupt()
	s.wantClosing(c)
	s.await(`hub ends" why=interrupted`)
	c.Close()
}

// TestServerInterruptedDoesNotDrain ends the context before SIGTERM has come.
func TestServerInterruptedDoesNotDrain(t *testing.T) {
	s, c, interrupt := startDraining(t, "1h")
	interrupt()
	s.wantClosing(c)
	c.Close()
}
