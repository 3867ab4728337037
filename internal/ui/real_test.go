package ui

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/lab/screen"
)

// realEnv makes the test binary a program that shows a call.
const realEnv = "S2C_UI_TEST_SHOW"

// labMode is what begins the value of realEnv with which it is a program that
// measures: the scene and the file for the report follow. labMain is that
// program, nil where there is none.
const labMode = "lab:"

var labMain func(scene, file string) error

// realMain is that program. It returns its exit status.
func realMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if what, ok := strings.CutPrefix(os.Getenv(realEnv), labMode); ok {
		scene, file, _ := strings.Cut(what, ":")
		if err := labMain(scene, file); err != nil {
			return 1
		}
		return 0
	}
	e := newEngine(3)
	e.sends = true
	if os.Getenv(realEnv) == "panic" {
		e.onState = func() {
			if e.states == 20 {
				panic("on purpose")
			}
		}
	}
	if err := Run(ctx, Config{Engine: e, Look: ascii.LookHalf}); err != nil {
		return 1
	}
	return 0
}

// inTerminal runs the program in a terminal of its own.
func inTerminal(t *testing.T, argv ...string) *screen.Session {
	t.Helper()
	if err := screen.Available(); err != nil {
		t.Skip(err)
	}
	s, err := screen.Start(t.Context(), 80, 24, []string{realEnv + "=call", "PS1=$ "}, argv...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// self returns the path of this program.
func self(t testing.TB) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

// realTimeout is how long a test waits for what it expects.
const realTimeout = 20 * time.Second

// must fails the test when a terminal did not show what it should.
func must(t *testing.T) func(screen.Grid, error) screen.Grid {
	return func(g screen.Grid, err error) screen.Grid {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
}

// TestRealTerminal shows a call in a terminal, presses keys and resizes it.
func TestRealTerminal(t *testing.T) {
	s := inTerminal(t, self(t))
	must(t)(s.WaitText("kitchen-table", realTimeout))
	must(t)(s.WaitFor(func(g screen.Grid) bool {
		c := g.At(20, 5)
		return c.Text == "▀" && c.Fg != 0 && c.Bg != 0
	}, realTimeout))
	press := func(k string) {
		t.Helper()
		if err := s.Keys(k); err != nil {
			t.Fatal(err)
		}
	}
	press("m")
	must(t)(s.WaitText("MUTED", realTimeout))
	press("?")
	must(t)(s.WaitText("Esc closes", realTimeout))
	press("?")
	if err := s.Resize(120, 40); err != nil {
		t.Fatal(err)
	}
	// All of the new size is drawn: the bars, and each tile to its corners.
	must(t)(s.WaitFor(func(g screen.Grid) bool {
		for y := 2; y < 18; y++ {
			for x := 1; x < 59; x++ {
				if g.At(x, y).Text != "▀" {
					return false
				}
			}
		}
		return g.At(119, 38).Text == "┘" && g.At(0, 38).Text == "└" && g.At(0, 1).Text == "┏" &&
			strings.Contains(g.Text(), "MUTED") && !strings.Contains(g.Text(), "Esc closes")
	}, realTimeout))
	for range 5 { // letters, reverse, colour, ascii
		press("r")
	}
	must(t)(s.WaitText("look: ramp", realTimeout))
	press("q")
	for deadline := time.Now().Add(realTimeout); ; time.Sleep(20 * time.Millisecond) {
		status, exited, err := s.Exited()
		if err != nil || exited && status != 0 || time.Now().After(deadline) {
			t.Fatalf("after q: status %d, exited %v, error %v", status, exited, err)
		}
		if exited {
			break
		}
	}
}

// TestRealShell checks what a shell finds after Ctrl-Z, after fg, and after a
// panic.
func TestRealShell(t *testing.T) {
	s := inTerminal(t, "bash", "--norc", "-i")
	must(t)(s.WaitText("$", realTimeout))
	typed := func(line string) {
		t.Helper()
		if err := s.Type(line); err != nil {
			t.Fatal(err)
		}
		if err := s.Keys("Enter"); err != nil {
			t.Fatal(err)
		}
	}
	typed(self(t))
	must(t)(s.WaitText("kitchen-table", realTimeout))
	if err := s.Keys("C-z"); err != nil {
		t.Fatal(err)
	}
	must(t)(s.WaitText("Stopped", realTimeout))
	typed("echo tty is $((40 + 2))")
	must(t)(s.WaitText("tty is 42", realTimeout))
	typed("fg")
	must(t)(s.WaitFor(func(g screen.Grid) bool {
		return strings.Contains(g.Text(), "kitchen-table") && g.At(20, 5).Text == "▀"
	}, realTimeout))
	if err := s.Keys("q"); err != nil {
		t.Fatal(err)
	}
	must(t)(s.WaitText("Stopped", realTimeout)) // the shell's own screen again
	typed(realEnv + "=panic " + self(t))
	must(t)(s.WaitText("main.main()", realTimeout)) // the end of the trace
	typed("clear; stty -a | grep -o ' echo '; echo tty is $((40 + 3))")
	g := must(t)(s.WaitText("tty is 43", realTimeout))
	if !strings.HasPrefix(g.Text(), " echo\n") {
		t.Errorf("after a panic the terminal does not echo:\n%s", g.Text())
	}
}
