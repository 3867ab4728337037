package sound

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A process is a running program of a Server. One goroutine waits for it.
type process struct {
	name string
	proc *os.Process
	done chan struct{} // closed when the program has ended
}

// startProcess starts cmd so that it ends with us at the latest.
func startProcess(name string, cmd *exec.Cmd) (*process, error) {
	prepare(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	hurry(cmd.Process.Pid)
	p := &process{name: name, proc: cmd.Process, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // how a server ends is not of interest
	}()
	return p, nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop asks the program to end, insists after stopTimeout, and waits.
func (p *process) stop() error {
	if p.ended() {
		return nil
	}
	_ = terminate(p.proc) // an error means that it has just ended
	t := time.NewTimer(stopTimeout)
	defer t.Stop()
	select {
	case <-p.done:
		return nil
	case <-t.C:
		p.kill()
		return fmt.Errorf("%s (process %d) had to be killed", p.name, p.proc.Pid)
	}
}

// kill ends the program at once and waits.
func (p *process) kill() {
	_ = p.proc.Kill() // an error means that it has ended
	<-p.done
}

// environ returns the present environment with everything that leads a client
// or a daemon to another server replaced.
func environ(dir string) []string {
	set := map[string]string{
		"HOME":                 "home",
		"PULSE_RUNTIME_PATH":   "run",
		"PULSE_STATE_PATH":     "state",
		"PULSE_COOKIE":         "cookie",
		"XDG_RUNTIME_DIR":      "xdg",
		"XDG_CONFIG_HOME":      "config",
		"XDG_STATE_HOME":       "state",
		"PIPEWIRE_RUNTIME_DIR": "xdg",
	}
	unset := []string{
		"PULSE_SERVER", "PULSE_SINK", "PULSE_SOURCE", "PULSE_CLIENTCONFIG", "PIPEWIRE_REMOTE",
		"DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS",
	}
	for _, name := range unset {
		set[name] = ""
	}
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if _, ours := set[name]; !ours {
			env = append(env, kv)
		}
	}
	for name, sub := range set {
		if sub != "" {
			env = append(env, name+"="+filepath.Join(dir, sub))
		}
	}
	return env
}
