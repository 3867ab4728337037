package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/lab/screen"
)

// TestFirstCall checks that a page comes before the first call and no other, that
// who leaves it has not joined, and that flags and pipes have none of it.
func TestFirstCall(t *testing.T) {
	lab.Need(t, screen.Available())
	s2c, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	hub, err := s2c.Hub(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hub.End()
	env := []string{"S2C_CONFIG=" + s2c.Dir + "/first", "S2C_STATE=" + s2c.Dir + "/state", "S2C_NO_SETUP="}
	const page, inCall = "nothing is sent before Enter", "nobody else is here yet"
	for _, run := range []struct {
		name  string
		flags []string
		want  string   // at first
		gone  string   // which is not there then
		keys  []string // then
		then  string   // what they do; "" for the end
	}{
		{name: "with the flag", flags: []string{"--no-setup"}, want: inCall, gone: page, keys: []string{"q"}},
		{name: "left", want: page, keys: []string{"q"}},
		{name: "first", want: page, gone: inCall, keys: []string{"Enter"}, then: inCall},
		{name: "second", want: inCall, gone: page, keys: []string{"q"}},
	} {
		args := append([]string{s2c.Exe, "join", "-s", "first", "-c", "ann", "--look", "half", "--camera", "test", "--mic", "test", "--speaker", "none"}, run.flags...)
		s, err := screen.Start(t.Context(), 100, 30, env, append(args, hub.Addr)...)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		g, err := s.WaitText(run.want, 15*time.Second)
		if err != nil {
			t.Fatalf("%s: no %q: %v\n%s", run.name, run.want, err, g.Text())
		}
		if run.gone != "" && strings.Contains(g.Text(), run.gone) {
			t.Errorf("%s: the screen has %q\n%s", run.name, run.gone, g.Text())
		}
		if run.want == page {
			// The test card and the test voice are there.
			if g, err := s.WaitFor(func(g screen.Grid) bool {
				text := g.Text()
				return strings.Contains(text, "▀▀▀") && strings.Contains(text, "███")
			}, 10*time.Second); err != nil {
				t.Errorf("%s: no picture or no level\n%s", run.name, g.Text())
			}
		}
		if err := s.Keys(run.keys...); err != nil {
			t.Fatal(err)
		}
		if run.then != "" {
			if g, err := s.WaitText(run.then, 15*time.Second); err != nil {
				t.Fatalf("%s: no %q: %v\n%s", run.name, run.then, err, g.Text())
			}
			if g, err := s.WaitText("▀▀▀", 10*time.Second); err != nil {
				t.Errorf("%s: the camera does not come back\n%s", run.name, g.Text())
			}
			if err := s.Keys("q"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.WaitFor(func(screen.Grid) bool {
			_, exited, err := s.Exited()
			return exited || err != nil
		}, 5*time.Second); err != nil {
			t.Fatalf("%s: it does not end", run.name)
		}
		if status, _, err := s.Exited(); status != 0 || err != nil {
			t.Errorf("%s: exit status %d, %v; want 0", run.name, status, err)
		}
	}
}
