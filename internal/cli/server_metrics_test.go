package cli_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/wire"
)

// get returns what the server's metrics address says at a path.
func (s *server) get(path string) (code int, body string) {
	s.t.Helper()
	base := s.await(`(?m)^s2c: metrics on (http://.*)/metrics$`)
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: awaitTime}
	resp, err := c.Get(base + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// figures returns the figures by name and label.
func (s *server) figures() map[string]float64 {
	s.t.Helper()
	code, text := s.get("/metrics")
	if code != http.StatusOK {
		s.t.Fatalf("/metrics: %d, %q", code, text)
	}
	all := make(map[string]float64)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		m := regexp.MustCompile(`^(s2c_[a-z_]+(?:\{reason="[a-z_]+"\})?) (\S+)\n$`).FindStringSubmatch(line)
		if m == nil {
			s.t.Fatalf("line %q in\n%s", line, text)
		}
		v, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			s.t.Fatal(err)
		}
		all[m[1]] = v
	}
	return all
}

// awaitFigure waits until a figure has a value.
func (s *server) awaitFigure(name string, want float64) {
	s.t.Helper()
	for end := time.Now().Add(awaitTime); ; time.Sleep(5 * time.Millisecond) {
		all := s.figures()
		got, ok := all[name]
		switch {
		case ok && got == want:
			return
		case !ok, time.Now().After(end):
			s.t.Fatalf("%s is %v, want %v; all: %v", name, got, want, all)
		}
	}
}

func TestServerMetrics(t *testing.T) {
	s := startServer(t.Context(), t, t.TempDir(), "--metrics", "0", "--max-session", "2")
	if code, body := s.get("/healthz"); code != http.StatusOK || body != "ok\n" {
		t.Errorf("/healthz: %d, %q, want 200, ok", code, body)
	}
	all := s.figures()
	for _, name := range []string{
		"s2c_sessions", "s2c_members", "s2c_draining", "s2c_members_away", "s2c_members_limited", "s2c_members_silent", "s2c_joins_total", "s2c_resumes_total", "s2c_packets_received_total", "s2c_received_bytes_total",
		"s2c_packets_forwarded_total", "s2c_packets_unsent_total", "s2c_packets_resent_total", `s2c_drops_total{reason="video_stale"}`, `s2c_drops_total{reason="nack_expired"}`, `s2c_drops_total{reason="video_withheld"}`,
		`s2c_refusals_total{reason="denied"}`, `s2c_refusals_total{reason="session_full"}`,
	} {
		if v, ok := all[name]; !ok || v != 0 {
			t.Errorf("%s is %v, %v at the start, want 0", name, v, ok)
		}
	}
	// Each of the hub's own is explained to who runs it.
	papers, err := os.ReadFile("../../docs/hub.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range all {
		name, _, _ = strings.Cut(name, "{")
		ofProcess := strings.HasPrefix(name, "s2c_process_") || name == "s2c_goroutines" || name == "s2c_heap_bytes"
		if !ofProcess && !strings.Contains(string(papers), "`"+name+"`") {
			t.Errorf("docs/hub.md does not explain %s", name)
		}
	}
	if all["s2c_goroutines"] < 1 || all["s2c_heap_bytes"] < 1 {
		t.Errorf("no figures of the process: %v", all)
	}
	a, _ := s.join(0, nil)
	b, _ := s.join(1, nil)
	if e, ok := s.ask(2, nil).(wire.Error); !ok || e.Code != wire.CodeSessionFull {
		t.Errorf("a third was told %#v, want that the session is full", e)
	}
	s.awaitFigure("s2c_members", 2)
	s.awaitFigure("s2c_sessions", 1)
	s.awaitFigure("s2c_joins_total", 2)
	s.awaitFigure(`s2c_refusals_total{reason="session_full"}`, 1)
	if err := a.SendDatagram([]byte("no packet")); err != nil {
		t.Fatal(err)
	}
	s.awaitFigure(`s2c_drops_total{reason="malformed"}`, 1)
	s.awaitFigure("s2c_packets_received_total", 1)
	s.awaitFigure("s2c_received_bytes_total", float64(len("no packet")))
	a.Close()
	b.Close()
	s.awaitFigure("s2c_members", 0)

	// Nothing that a member or the owner has said is in the figures.
	if _, text := s.get("/metrics"); strings.Contains(text, "room") || strings.Contains(text, "SHA256") || strings.Contains(text, "127.0.0.1") {
		t.Errorf("the figures tell sessions, people or addresses:\n%s", text)
	}
	s.end()
}

func TestServerMetricsAddressTaken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	addr := ln.Addr().String()
	code, text := runCommand(t, map[string]string{"S2C_STATE": t.TempDir()}, "server", "--address", "127.0.0.1", "-p", "0", "--metrics", addr)
	if code != 1 || !strings.Contains(text, `s2c: error: listen for metrics on "`+addr+`": `) || !strings.Contains(text, "s2c: hint: ") {
		t.Errorf("exit code %d, want 1: %q", code, text)
	}
}
