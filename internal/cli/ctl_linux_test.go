package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/person"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/lab/screen"
)

// TestScreenSteered steers a call on a screen from another program, and types a
// command of the call into it.
func TestScreenSteered(t *testing.T) {
	lab.Need(t, screen.Available())
	s2c, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	config, runtime := filepath.Join(s2c.Dir, "config"), t.TempDir()
	if err := os.Mkdir(config, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(config, "identity"), person.PEM(t, 0), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(s2c.Env(), "XDG_RUNTIME_DIR="+runtime)
	s, err := screen.Start(t.Context(), 100, 30, env, s2c.Exe, "join", "-s", "room", "-c", "ann",
		"--camera", "test", "--mic", "none", "--speaker", "none")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	wait := func(what string) {
		t.Helper()
		if g, err := s.WaitText(what, 10*time.Second); err != nil {
			t.Fatalf("no %q: %v\n%s", what, err, g.Text())
		}
	}
	ctl := func(args ...string) (string, error) {
		cmd := exec.Command(s2c.Exe, append([]string{"ctl"}, args...)...)
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	steer := func(args ...string) {
		t.Helper()
		if out, err := ctl(args...); err != nil {
			t.Fatalf("s2c ctl %q: %v\n%s", args, err, out)
		}
	}
	wait("nobody else is here yet") // not only its name, which is said before
	if err := s.Keys("i"); err != nil {
		t.Fatal(err)
	}
	wait("others join with:")
	if err := s.Keys("q"); err != nil { // closes that alone
		t.Fatal(err)
	}
	steer("look", "ascii") // the screen's
	wait("look: ascii")
	steer("camera", "off") // the call's
	wait("camera off")
	if out, err := ctl("dance"); err == nil || !strings.Contains(out, `error: unknown command "dance"`) {
		t.Errorf("s2c ctl dance: %v\n%s", err, out)
	}
	if err := s.Type(":camera on"); err != nil {
		t.Fatal(err)
	}
	if err := s.Keys("Enter"); err != nil {
		t.Fatal(err)
	}
	wait("stop camera")
	steer("leave")
	if _, err := s.WaitFor(func(screen.Grid) bool {
		_, exited, err := s.Exited()
		return exited || err != nil
	}, 5*time.Second); err != nil {
		t.Fatal("leave does not leave")
	}
	if status, _, err := s.Exited(); status != 0 || err != nil {
		t.Errorf("leave: exit status %d, %v; want 0", status, err)
	}
}
