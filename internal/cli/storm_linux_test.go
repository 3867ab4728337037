package cli_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/lab/screen"
)

// TestResizeStorm gives a terminal 50 sizes a second from 1x1 to 400x120, for 20 s,
// while it shows a call of nine, which then is on the whole of the last size.
func TestResizeStorm(t *testing.T) {
	lab.Need(t, screen.Available())
	s2c, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s, err := screen.Start(t.Context(), 80, 24, s2c.Env(), s2c.Exe, "demo", "--members", "8", "--camera", "test", "--mic", "none", "--speaker", "none")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.WaitText("heidi", 20*time.Second); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 8))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		if err := s.Resize(1+rng.IntN(400), 1+rng.IntN(120)); err != nil {
			t.Fatal(err)
		}
		<-tick.C
	}
	if err := s.Resize(120, 40); err != nil {
		t.Fatal(err)
	}
	_, err = s.WaitFor(func(g screen.Grid) bool {
		text := g.Text()
		for _, name := range []string{"anna", "bo", "carol", "dave", "eve", "frank", "grace", "heidi", "you", "9 people"} {
			if !strings.Contains(text, name) {
				return false
			}
		}
		count := func(corners ...string) (n int) {
			for _, c := range corners {
				n += strings.Count(text, c)
			}
			return n
		}
		return g.Cols == 120 && g.Rows == 40 && strings.ContainsAny(g.At(119, 38).Text, "┘┛") && strings.ContainsAny(g.At(0, 1).Text, "┌┏") &&
			count("┘", "┛") == 9 && count("┐", "┓") == 9 && count("└", "┗") == 9 && count("┌", "┏") == 9
	}, 10*time.Second)
	if err != nil {
		t.Error(err)
	}
}
