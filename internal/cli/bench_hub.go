package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/hubload"
)

// A benchedHub is the hub that is measured.
type benchedHub struct {
	place hubload.Place // without a person

	// Of one that is ours.
	pid   int // else 0
	cmd   *exec.Cmd
	dir   string
	drain sync.WaitGroup // of its output

	restore func() // lets this process use its processor too
}

// startBenchedHub starts a hub in a process of its own, which ends with this one, or
// by end.
func (e Env) startBenchedHub(ctx context.Context) (_ *benchedHub, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start a hub: %w", err)
	}
	h := new(benchedHub)
	h.place.Dial.Verify = func(string) error { return nil } // it has just made its key
	if h.dir, err = os.MkdirTemp("", "s2c-bench"); err != nil {
		return nil, fmt.Errorf("start a hub: %w", err)
	}
	limit := strconv.Itoa(2 * maxBench)
	h.cmd = exec.Command(exe, "server", "--address", "127.0.0.1", "--port", "0",
		"--max-members", limit, "--max-session", limit, "--max-sessions", limit,
		"--max-members-per-address", limit, "--max-joins-per-minute", strconv.Itoa(maxLimit))
	h.cmd.Env = benchEnv(os.Environ(), h.dir)
	endWithParent(h.cmd)
	out, err := h.cmd.StderrPipe()
	if err == nil {
		h.restore, err = hubload.Alone(h.cmd.Start)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start a hub: %w", err), os.RemoveAll(h.dir))
	}
	h.pid = h.cmd.Process.Pid
	defer context.AfterFunc(ctx, func() { _ = h.cmd.Process.Kill() })() // later ctx ends the load, and that the hub
	lines := bufio.NewReader(out)
	for h.place.Dial.Addr == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			h.end()
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			return nil, fmt.Errorf("start a hub: it ended: %q", line)
		}
		if a, ok := strings.CutPrefix(line, "s2c: hub on "); ok {
			h.place.Dial.Addr = strings.TrimSpace(a)
		}
	}
	h.drain.Go(func() { _, _ = io.Copy(io.Discard, lines) }) // ends with the hub
	return h, nil
}

// benchEnv returns the environment of a hub that keeps what it keeps in dir: that
// of this process without its settings for hubs.
func benchEnv(env []string, dir string) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(s string) bool { return strings.HasPrefix(s, "S2C_") })
	return append(env, "S2C_STATE="+dir, "S2C_CONFIG="+dir, "GOMAXPROCS=1")
}

// end ends the hub, if it is ours, and removes what it kept.
func (h *benchedHub) end() {
	if h.cmd == nil {
		return
	}
	wait := 5 * time.Second
	if h.cmd.Process.Signal(os.Interrupt) != nil {
		wait = 0 // not every system can, or it is gone
	}
	stuck := time.AfterFunc(wait, func() { _ = h.cmd.Process.Kill() })
	defer stuck.Stop()
	h.drain.Wait()
	_ = h.cmd.Wait() // ended by our signal
	h.restore()
	_ = os.RemoveAll(h.dir)
}

// memory returns the resident memory of the hub in KB, 0 if that is not known.
func (h *benchedHub) memory() float64 {
	n, _ := hubload.Memory(h.pid)
	return float64(n) / 1000
}

const (
	settleLook = 250 * time.Millisecond // between looks at the hub's memory
	settleSame = 14                     // looks in a row with no other size, to a hundredth
	settleMost = 40                     // looks
)

// settled waits until the memory of the hub does not change any more, ten seconds
// at most, and returns it.
func (h *benchedHub) settled(ctx context.Context) (float64, error) {
	tick := time.NewTicker(settleLook)
	defer tick.Stop()
	at := h.memory()
	for look, same := 0, 0; h.pid != 0 && look < settleMost && same < settleSame; look++ {
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-tick.C:
		}
		now := h.memory()
		if same++; math.Abs(now-at) > at/100 {
			same, at = 0, now
		}
	}
	return h.memory(), nil
}

// cpuUsed is how much CPU time was used until some moment, 0 where it is not known.
type cpuUsed struct{ hub, load, all time.Duration }

// used returns the CPU time that was used until now.
func (h *benchedHub) used() (u cpuUsed) {
	if h.pid != 0 {
		u.hub, _ = hubload.CPUTime(h.pid)
	}
	u.load, _ = hubload.CPUTime(os.Getpid())
	u.all, _ = hubload.MachineTime()
	return u
}

// less returns what was used since an earlier moment.
func (u cpuUsed) less(o cpuUsed) cpuUsed {
	return cpuUsed{u.hub - o.hub, u.load - o.load, u.all - o.all}
}

// others returns what neither the hub nor the load used.
func (u cpuUsed) others() time.Duration { return max(0, u.all-u.hub-u.load) }
