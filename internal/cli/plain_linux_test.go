package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/lab/screen"
)

// TestPlainTerminal types into a call that is told as lines: the terminal shows
// what was typed once, stays as it was, and Ctrl-D and Ctrl-C leave.
func TestPlainTerminal(t *testing.T) {
	lab.Need(t, screen.Available())
	s2c, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, keys, want string }{
		{"ctrl-d", "C-d", "You left.\nstatus 0\nthe same"},
		{"ctrl-c", "C-c", "> ^C\nstatus 130\nthe same"},
		{"leave", "/leave Enter", "You left.\nstatus 0\nthe same"},
	} {
		t.Run(test.name, func(t *testing.T) {
			script := `cd ` + t.TempDir() + `; trap : INT; stty -a >before
` + s2c.Exe + ` demo --plain --members 0 --mic none --speaker none
echo "status $?"; stty -a >after; cmp before after && echo the same; exec sleep 60`
			s, err := screen.Start(t.Context(), 150, 24, s2c.Env(), "sh", "-c", script)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			wait := func(what string) screen.Grid {
				t.Helper()
				g, err := s.WaitText(what, 10*time.Second)
				if err != nil {
					t.Fatalf("no %q: %v\n%s", what, err, g.Text())
				}
				return g
			}
			wait("\n>")
			if err := s.Type("/mute"); err != nil {
				t.Fatal(err)
			}
			if err := s.Keys("Enter"); err != nil {
				t.Fatal(err)
			}
			wait("You are muted.\n>")
			if err := s.Keys(strings.Fields(test.keys)...); err != nil {
				t.Fatal(err)
			}
			text := strings.TrimSpace(wait("the same").Text())
			if !strings.HasSuffix(text, test.want) || !strings.Contains(text, "\n> /mute\n") {
				t.Errorf("the screen shows\n%s\nwant it to end with\n%s", text, test.want)
			}
		})
	}
}

// TestPlainBackground makes sure that a call in the background takes no keys that
// are meant for others, does not end, and takes keys in front again.
func TestPlainBackground(t *testing.T) {
	lab.Need(t, screen.Available())
	s2c, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	script := `set -m; ` + s2c.Exe + ` demo --plain --members 0 --mic none --speaker none &
read line; echo "the shell has $line"; fg; echo "status $?"; exec sleep 60`
	s, err := screen.Start(t.Context(), 150, 24, s2c.Env(), "sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, step := range []struct{ wait, line string }{
		{"\n>", "/mute"},
		{"the shell has /mute", "/lock"},
		{"The session is locked", "/leave"},
		{"You left.\nstatus 0", ""},
	} {
		g, err := s.WaitText(step.wait, 10*time.Second)
		if err != nil || strings.Contains(g.Text(), "You are muted") {
			t.Fatalf("no %q: %v\n%s", step.wait, err, g.Text())
		}
		if err := s.Type(step.line); err != nil {
			t.Fatal(err)
		}
		if err := s.Keys("Enter"); err != nil {
			t.Fatal(err)
		}
	}
}
