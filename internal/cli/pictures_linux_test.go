package cli_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/lab/screen"
)

// A picture is a screen for docs/screens.
type picture struct {
	name       string
	cols, rows int
	others     int
	args       []string
	env        string
	keys       []string
	typed      string
	want       string // besides the tiles
	always     bool   // taken by every test, not only to renew the pictures
}

// pictures are those in docs/screens.
func pictures() (all []picture) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 50}} {
		for _, others := range []int{0, 1, 3, 8} {
			all = append(all, picture{
				name: fmt.Sprintf("%dx%d-%d", size[0], size[1], others+1), cols: size[0], rows: size[1], others: others,
				always: size[0] == 200 && others == 8,
			})
		}
	}
	return append(
		all,
		picture{name: "120x40-chat", cols: 120, rows: 40, others: 3, keys: []string{"Tab"}, typed: "does everybody see the same four words?", want: "you: does everybody", always: true},
		picture{name: "120x40-help", cols: 120, rows: 40, others: 3, keys: []string{"?"}, want: "mute or unmute"},
		picture{name: "120x40-people", cols: 120, rows: 40, others: 3, keys: []string{"p"}, want: "read it aloud"},
		picture{name: "120x40-speaker", cols: 120, rows: 40, others: 4, keys: []string{"g"}, want: "layout: speaker"},
		picture{name: "120x40-palette", cols: 120, rows: 40, others: 3, keys: []string{":", "l"}, want: "commands: Tab"},
		picture{name: "80x24-light", cols: 80, rows: 24, others: 3, args: []string{"--theme", "light"}},
		picture{name: "80x24-letters", cols: 80, rows: 24, others: 3, args: []string{"--look", "letters"}},
		picture{name: "80x24-nocolour", cols: 80, rows: 24, others: 3, env: "NO_COLOR=1", args: []string{"--look", "ascii"}, always: true},
		picture{name: "40x12-2", cols: 40, rows: 12, others: 1},
	)
}

// TestPictures looks at the screens that docs/screens shows: everybody is there with
// a picture. With -update it renews them.
func TestPictures(t *testing.T) {
	lab.Need(t, screen.Available())
	s2c, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pictures() {
		if !p.always && !*update {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			take(t, s2c, &p)
		})
	}
}

// take takes one picture.
func take(t *testing.T, s2c *program.Program, p *picture) {
	env := append(s2c.Env(), "S2C_CONFIG="+t.TempDir()) // what one chooses is nothing to the next
	if p.env != "" {
		env = append(env, p.env)
	}
	argv := append([]string{s2c.Exe, "demo", "--members", strconv.Itoa(p.others), "--camera", "test:4", "--mic", "test", "--speaker", "none"}, p.args...)
	if !strings.Contains(strings.Join(argv, " "), "--look") {
		argv = append(argv, "--look", "quadrant") // tmux knows no finer ones
	}
	s, err := screen.Start(t.Context(), p.cols, p.rows, env, argv...)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	names := []string{"anna", "bo", "carol", "dave"}
	settled := func(g screen.Grid) bool {
		text := g.Text()
		for _, n := range names[:min(p.others, len(names))] {
			if !strings.Contains(text, n) {
				return false
			}
		}
		return !strings.Contains(text, "waiting") && !strings.Contains(text, "joined") && !strings.Contains(text, "safety code") &&
			(p.others == 0 || strings.Contains(text, "end-to-end") || strings.Contains(text, "e2e"))
	}
	if g, err := s.WaitFor(settled, 20*time.Second); err != nil {
		t.Fatalf("%v\n%s", err, g.Text())
	}
	if len(p.keys) > 0 {
		if err := s.Keys(p.keys...); err != nil {
			t.Fatal(err)
		}
	}
	if p.typed != "" {
		if err := s.Type(p.typed); err != nil {
			t.Fatal(err)
		}
		if err := s.Keys("Enter"); err != nil {
			t.Fatal(err)
		}
	}
	if g, err := s.WaitText(p.want, 20*time.Second); err != nil {
		t.Fatalf("no %q: %v\n%s", p.want, err, g.Text())
	}
	g, err := s.WaitFor(func(g screen.Grid) bool {
		text := g.Text()
		return !strings.Contains(text, "waiting") && !strings.Contains(text, "layout: ")
	}, 20*time.Second)
	if err != nil {
		t.Fatalf("%v\n%s", err, g.Text())
	}
	if !*update {
		return
	}
	if err := os.MkdirAll("../../docs/screens", 0o755); err != nil {
		t.Fatal(err)
	}
	writePNG(t, g, "../../docs/screens/"+p.name+".png")
}
