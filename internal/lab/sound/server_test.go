package sound

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sanix-darker/s2c/internal/lab"
)

// TestServers runs two servers at once, which a call needs, and looks at one
// through another program.
func TestServers(t *testing.T) {
	for _, kind := range Kinds {
		t.Run(string(kind), func(t *testing.T) {
			a, b := ForTest(t, kind), ForTest(t, kind)
			if a.Address() == b.Address() {
				t.Errorf("both listen on %s", a.Address())
			}
			pactl, err := exec.LookPath("pactl")
			lab.Need(t, err)
			cmd := exec.Command(pactl, "info")
			cmd.Env = a.Env()
			out, err := cmd.CombinedOutput()
			for _, want := range []string{"Default Sink: " + Speaker + "\n", "Default Source: " + Mic + "\n"} {
				if err != nil || !strings.Contains(string(out), want) {
					t.Errorf("pactl info: %v, want %q in\n%s", err, want, out)
				}
			}
			a.Kill()
			if err := errors.Join(a.Stop(), a.Stop()); err != nil {
				t.Errorf("Stop after Kill = %v", err)
			}
		})
	}
}

func TestStartErrors(t *testing.T) {
	if _, err := Start(t.TempDir(), "oss"); err == nil || !strings.Contains(err.Error(), "unknown kind") {
		t.Errorf("Start(oss) = %v", err)
	}
	if _, err := Start("/"+strings.Repeat("x", 100), Pulse); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("Start(long path) = %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Start(t.TempDir(), Pulse); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("Start without pulseaudio = %v, want exec.ErrNotFound", err)
	}
}

func TestEnviron(t *testing.T) {
	t.Setenv("PULSE_SERVER", "elsewhere")
	t.Setenv("DISPLAY", ":0")
	t.Setenv("S2C_TEST_KEEPS", "this")
	env := (&Server{dir: "/d", env: environ("/d")}).Env()
	got := make(map[string]string)
	for _, kv := range env {
		name, v, _ := strings.Cut(kv, "=")
		if old, twice := got[name]; twice {
			t.Errorf("%s is %q and %q", name, old, v)
		}
		got[name] = v
	}
	for name, want := range map[string]string{
		"PULSE_SERVER": "unix:/d/pulse.sock", "XDG_RUNTIME_DIR": "/d/xdg", "DISPLAY": "",
		"S2C_TEST_KEEPS": "this", "PATH": os.Getenv("PATH"),
	} {
		if got[name] != want {
			t.Errorf("%s=%q, want %q", name, got[name], want)
		}
	}
}
