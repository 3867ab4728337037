package cli_test

import (
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/lab/screen"
)

// TestNoColour checks that NO_COLOR takes the colours from a call, but for those of
// words when a theme is named.
func TestNoColour(t *testing.T) {
	lab.Need(t, screen.Available())
	s2c, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		theme           string
		words, pictures bool // are in colours
		noColour        string
	}{
		{theme: "auto", noColour: "1"},
		{theme: "mono", noColour: "1"},
		{theme: "light", noColour: "1", words: true},
		{theme: "light", words: true, pictures: true},
	} {
		s, err := screen.Start(t.Context(), 80, 24, append(s2c.Env(), "NO_COLOR="+tt.noColour, "COLORTERM=truecolor"),
			s2c.Exe, "demo", "--members", "1", "--theme", tt.theme, "--camera", "test", "--mic", "none", "--speaker", "none")
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		g, err := s.WaitFor(func(g screen.Grid) bool {
			words, pictures := coloured(g)
			return words == tt.words && pictures == tt.pictures && g.At(1, 0).Text != " "
		}, 15*time.Second)
		if err != nil {
			words, pictures := coloured(g)
			t.Errorf("--theme %s with NO_COLOR=%q: words in colours %v, pictures %v; want %v, %v\n%s",
				tt.theme, tt.noColour, words, pictures, tt.words, tt.pictures, g.Text())
		}
	}
}

// coloured reports whether the bars of a call have colours, and the middle of its
// picture.
func coloured(g screen.Grid) (words, pictures bool) {
	bar, middle := g.At(1, 0), g.At(g.Cols/2, g.Rows/3)
	return bar.Fg != 0 || bar.Bg != 0, middle.Fg != 0 || middle.Bg != 0
}
