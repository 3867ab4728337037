package ui

import (
	"math"
	"testing"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
)

// luminance returns the relative luminance of a colour, of WCAG 2.1.
func luminance(c tcell.Color) float64 {
	r, g, b := c.RGB()
	sum := 0.0
	for i, v := range []int32{r, g, b} {
		x := float64(v) / 255
		if x <= 0.03928 {
			x /= 12.92
		} else {
			x = math.Pow((x+0.055)/1.055, 2.4)
		}
		sum += []float64{0.2126, 0.7152, 0.0722}[i] * x
	}
	return sum
}

// TestContrast checks that text can be read in each theme, as WCAG 2.1 asks for: a
// contrast of 4.5 for text, 3 for borders, and 7 for the theme that is made for it.
func TestContrast(t *testing.T) {
	for _, name := range []string{"dark", "light", "contrast"} {
		th := newTheme(name, depthRGB, false)
		for st := range styles {
			fg, bg, _ := th[st].Decompose()
			a, b := luminance(fg), luminance(bg)
			ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05)
			want := 4.5
			switch {
			case name == "contrast":
				want = 7
			case st == styleFrame:
				want = 3
			}
			if ratio < want {
				t.Errorf("%s: style %d has a contrast of %.1f, want %.1f", name, st, ratio, want)
			}
		}
	}
}

// TestThemes checks which theme a terminal gets.
func TestThemes(t *testing.T) {
	same := func(a, b *theme) bool { return *a == *b }
	for _, tt := range []struct {
		name  string
		d     depth
		light bool
		want  *theme
	}{
		{"", depthRGB, false, richTheme(&darkPalette)},
		{"", depthIndex, true, richTheme(&lightPalette)},
		{"auto", depthIndex, true, richTheme(&lightPalette)},
		{"dark", depthRGB, true, richTheme(&darkPalette)},
		{"light", depthRGB, false, richTheme(&lightPalette)},
		{"contrast", depthRGB, true, richTheme(&contrastPalette)},
		{"nonsense", depthRGB, false, richTheme(&darkPalette)},
		{"light", depthANSI, false, newTheme("terminal16", depthRGB, false)},
		{"light", depthMono, false, newTheme("mono", depthRGB, false)},
	} {
		if got := newTheme(tt.name, tt.d, tt.light); !same(got, tt.want) {
			t.Errorf("newTheme(%q, %d, %v) is another one", tt.name, tt.d, tt.light)
		}
	}
	// A code is dark on light whatever the terminal is, as far as that is known.
	dark, light := newTheme("mono", depthRGB, false), newTheme("mono", depthRGB, true)
	if dark[styleCode] != light[styleInk] || dark[styleInk] != light[styleCode] || dark[styleCode] == dark[styleInk] {
		t.Error("without colours a code is light on dark on one of the terminals")
	}
	for _, name := range []string{"dark", "light", "contrast", "terminal16"} {
		th := newTheme(name, depthRGB, true)
		fg, bg, _ := th[styleCode].Decompose()
		if luminance(fg) >= luminance(bg) {
			t.Errorf("%s: a code is light on dark", name)
		}
	}
	// Without colours what matters differs from what does not.
	mono := newTheme("mono", depthRGB, false)
	for _, pair := range [][2]style{{styleFrame, styleSpeaker}, {styleBar, styleBarWarn}, {styleBar, styleAlarm}, {stylePill, stylePillWarn}, {styleBox, styleBoxKey}, {styleBox, styleBoxWarn}} {
		if mono[pair[0]] == mono[pair[1]] {
			t.Errorf("styles %d and %d look the same without colours", pair[0], pair[1])
		}
	}
}

// TestSettings checks what is remembered, and that it comes back.
func TestSettings(t *testing.T) {
	e := newEngine(3)
	var kept []Settings
	c := Config{Engine: e, Settings: Settings{Layout: "speaker", Corner: 2, Fit: true, Theme: "light"}, Mouse: true, Keep: func(s Settings) { kept = append(kept, s) }}
	onScreen(t, c, 120, 40, func(t *testing.T, s *simScreen) {
		if n := tall(s, " 1 anna "); n != 29 {
			t.Errorf("anna has %d rows, want those of the stage", n)
		}
		st, _ := s.styleOf("kitchen-table")
		if _, bg, _ := st.Decompose(); bg != tcell.NewHexColor(lightPalette.bar) {
			t.Errorf("the bar is %06x", bg.Hex())
		}
		s.press("g")
		sees(t, s, "layout: strip", true)
		s.press(":theme dark")
		s.key(tcell.KeyEnter)
		sees(t, s, "theme: dark", true)
		s.press(":theme blue")
		s.key(tcell.KeyEnter)
		sees(t, s, `there is no theme "blue": type auto, dark`, true)
		s.press("f")
		sees(t, s, "fill their tiles", true)
		s.press("b")
		sees(t, s, "brings the bars back", true)
		s.press(":mouse off")
		s.key(tcell.KeyEnter)
		sees(t, s, "? help", false)
	})
	want := []Settings{
		{Layout: "strip", Corner: 2, Fit: true, Theme: "light"},
		{Layout: "strip", Corner: 2, Fit: true, Theme: "dark"},
		{Layout: "strip", Corner: 2, Theme: "dark"},
		{Layout: "strip", Corner: 2, Theme: "dark", NoBars: true},
		{Layout: "strip", Corner: 2, Theme: "dark", NoBars: true, NoMouse: true},
	}
	if len(kept) != len(want) {
		t.Fatalf("kept %+v, want %+v", kept, want)
	}
	for i := range want {
		if kept[i] != want[i] {
			t.Errorf("kept %+v, want %+v", kept[i], want[i])
		}
	}
}

// TestNoBars checks that bars which were hidden are hidden the next time, and that
// the person is told of the key which brings them back.
func TestNoBars(t *testing.T) {
	onScreen(t, Config{Engine: newEngine(2), Settings: Settings{NoBars: true}}, 80, 24, func(t *testing.T, s *simScreen) {
		sees(t, s, "b brings the bars back", true)
		sees(t, s, "? help", false)
		s.press("b")
		sees(t, s, "? help", true)
	})
}

// TestBorders checks that borders can be of ASCII while pictures are not.
func TestBorders(t *testing.T) {
	e := newEngine(1)
	onScreen(t, Config{Engine: e, Look: ascii.LookHalf, Borders: BordersASCII}, 80, 24, func(t *testing.T, s *simScreen) {
		sees(t, s, "#= anna =", true)
		sees(t, s, "▀▀▀", true)
		sees(t, s, "━", false)
	})
}
