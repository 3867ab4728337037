package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/program"
)

// TestBenchEnds interrupts a benchmark, and kills one: its hub ends with it, and
// one that could removes what the hub kept.
func TestBenchEnds(t *testing.T) {
	s2c, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		temp := t.TempDir()
		p, err := s2c.Start(t.Context(), []string{"TMPDIR=" + temp}, nil, "bench", "hub", "--rooms", "2", "--members", "2", "--seconds", "600")
		if err != nil {
			t.Fatal(err)
		}
		hub := 0
		awaitSign(t, "a hub", func() bool { hub = childOf(p.PID()); return hub != 0 })
		if sig == syscall.SIGINT {
			awaitSign(t, "somebody who has joined", func() bool { return sockets(hub) > 8 })
		}
		if err := p.Signal(sig); err != nil {
			t.Fatal(err)
		}
		_ = p.Cmd.Wait() // the code is what counts
		if code := p.Cmd.ProcessState.ExitCode(); sig == syscall.SIGINT && code != 130 {
			t.Errorf("after %v: exit code %d, want 130", sig, code)
		}
		awaitSign(t, "the end of the hub", func() bool { return syscall.Kill(hub, 0) != nil || state(hub) == "Z" })
		left, err := filepath.Glob(temp + "/*")
		if sig == syscall.SIGINT && (err != nil || len(left) > 0) {
			t.Errorf("after %v: %q are left, %v", sig, left, err)
		}
	}
}

// awaitSign waits until something is so.
func awaitSign(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(awaitTime); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no sign of %s", what)
		}
	}
}

// stat returns the fields of a process after its name: state, parent and so on.
func stat(pid string) []string {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return make([]string, 2)
	}
	return strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
}

func state(pid int) string { return stat(fmt.Sprint(pid))[0] }

// childOf returns the process that another one has started, 0 for none.
func childOf(parent int) (pid int) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		name := filepath.Base(dir)
		if stat(name)[1] == fmt.Sprint(parent) {
			_, _ = fmt.Sscan(name, &pid)
		}
	}
	return pid
}

// sockets returns how many files a process has open.
func sockets(pid int) int {
	all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	return len(all)
}
