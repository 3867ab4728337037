package ui

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/internal/text"
)

// row returns what a canvas holds in a row, with "_" for the right half of a
// wide character.
func row(c *canvas, y int) string {
	var b strings.Builder
	for x := range c.w {
		if s := c.next[y*c.w+x].text; s == "" {
			b.WriteByte('_')
		} else {
			b.WriteString(s)
		}
	}
	return b.String()
}

func TestText(t *testing.T) {
	tests := []struct {
		x, width int
		s        string
		used     int
		want     string
	}{
		{1, 5, "hello", 5, " hello    "},
		{1, 3, "hello", 3, " hel      "},
		{7, 9, "hello", 3, "       hel"},
		{0, 9, "日本語", 6, "日_本_語_    "},
		{0, 5, "日本語", 4, "日_本_      "},
		{5, 9, "日本語", 4, "     日_本_ "},
		{0, 9, "e\u0301a", 2, "e\u0301a        "},
		{0, 0, "a", 0, "          "},
		{10, 5, "a", 0, "          "},
		{0, 5, "", 0, "          "},
	}
	for _, tt := range tests {
		var c canvas
		c.resize(10, 1)
		if used := c.text(tt.x, 0, tt.width, tt.s, styleName); used != tt.used || row(&c, 0) != tt.want {
			t.Errorf("text(%d, %d, %q) took %d and made %q, want %d and %q", tt.x, tt.width, tt.s, used, row(&c, 0), tt.used, tt.want)
		}
	}
}

// TestWide checks that half of a wide character is never left over.
func TestWide(t *testing.T) {
	tests := []struct {
		x    int
		s    string
		want string
	}{
		{1, "a", " a語_"},
		{0, "a", "a 語_"},
		{1, "本", " 本_ "},
		{2, "ab", "日_ab"},
		{3, "a", "日_ a"},
	}
	for _, tt := range tests {
		var c canvas
		c.resize(4, 1)
		c.text(0, 0, 4, "日語", styleName)
		c.text(tt.x, 0, 4, tt.s, styleName)
		if got := row(&c, 0); got != tt.want {
			t.Errorf("%q at %d over 日語 makes %q, want %q", tt.s, tt.x, got, tt.want)
		}
	}
}

// FuzzText checks that clean text stays in its place, whatever it is.
func FuzzText(f *testing.F) {
	for _, s := range []string{"hello", "日本語", "e\u0301", "👨‍👩‍👧", "🇫🇷🇫🇷", "\u0e33", "a\u0300\u0301\u0302"} {
		f.Add(s, 3, 7)
	}
	f.Fuzz(func(t *testing.T, s string, x, width int) {
		s = text.Clean(s, 64)
		var c canvas
		c.resize(20, 3)
		x, width = x%40, width%40
		used := c.text(x, 1, width, s, styleName)
		if used > max(width, 0) || used > 0 && x+used > c.w {
			t.Errorf("text(%d, %d, %q) took %d", x, width, s, used)
		}
		for i, g := range c.next {
			if in := i/c.w == 1 && i%c.w >= x && i%c.w < x+used; !in && g != (glyph{" ", stylePlain}) {
				t.Errorf("text(%d, %d, %q) took %d and changed cell %d to %q", x, width, s, used, i, g.text)
			}
			if g.text == "" && (i%c.w == 0 || c.next[i-1].text == "") {
				t.Errorf("text(%d, %d, %q) left half a character at %d", x, width, s, i)
			}
		}
	})
}

// TestFlush checks that only what changed is handed on, and nothing where
// pictures are.
func TestFlush(t *testing.T) {
	s := tcell.NewSimulationScreen("UTF-8")
	if err := s.Init(); err != nil {
		t.Fatal(err)
	}
	defer s.Fini()
	th := newTheme("", depthIndex, false)
	var c canvas
	c.resize(4, 2)
	taken := make([]bool, 8)
	at := func(x, y int) string {
		str, _, _ := s.Get(x, y)
		return str
	}
	c.text(0, 0, 4, "abcd", styleName)
	if !c.flush(s, taken, th) || at(1, 0) != "b" {
		t.Errorf("the first flush made %q", at(1, 0))
	}
	if c.flush(s, taken, th) {
		t.Error("a flush of the same reports a change")
	}
	taken[1] = true
	c.text(0, 0, 4, "aXcd", styleName)
	if c.flush(s, taken, th) || at(1, 0) != "b" {
		t.Errorf("a flush of a taken cell made %q", at(1, 0))
	}
	taken[1] = false
	if !c.flush(s, taken, th) || at(1, 0) != "X" {
		t.Errorf("a flush of a cell given back made %q", at(1, 0))
	}
	c.text(0, 0, 1, "a", styleAlarm)
	if !c.flush(s, taken, th) {
		t.Error("a flush of another style reports no change")
	}
	c.clear()
	for range 2 { // strings of characters are not copied
		if n := testing.AllocsPerRun(10, func() {
			c.text(0, 0, 4, "é日a", styleName)
			c.flush(s, taken, th)
		}); n != 0 {
			t.Errorf("text and flush allocate %v times", n)
		}
	}
}

func TestWrap(t *testing.T) {
	tests := []struct {
		s     string
		width int
		want  []string
	}{
		{"", 10, nil},
		{"  ", 10, nil},
		{"a b c", 0, nil},
		{"a b c", 5, []string{"a b c"}},
		{"a b c", 4, []string{"a b", "c"}},
		{"s2c join -s x", 8, []string{"s2c join", "-s x"}},
		{"aa abcdefgh b", 3, []string{"aa", "abc", "def", "gh", "b"}},
		{"日本語", 4, []string{"日本", "語"}},
		{"日本語", 1, nil},
	}
	for _, tt := range tests {
		if got := wrap(tt.s, tt.width); !slices.Equal(got, tt.want) {
			t.Errorf("wrap(%q, %d) = %q, want %q", tt.s, tt.width, got, tt.want)
		}
	}
}

func TestFit(t *testing.T) {
	items := func() []item {
		return []item{{text: "aaaa", rank: 2}, {text: "bbbb", rank: 3}, {text: "cccc"}, {text: "dddd", rank: 2}}
	}
	for _, tt := range []struct {
		width int
		want  string
	}{{24, "aaaa bbbb cccc dddd"}, {23, "aaaa cccc dddd"}, {17, "aaaa cccc"}, {11, "cccc"}, {1, "cccc"}} {
		var got []string
		for _, i := range fit(items(), tt.width) {
			got = append(got, i.text)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("in %d columns fit %v, want %s", tt.width, got, tt.want)
		}
	}
	short := func() []item {
		return []item{
			{text: "kitchen", short: [2]string{"kit"}}, {text: "end-to-end", short: [2]string{"e-t-e", "e"}, rank: 1, cut: [2]int{3, 3}}, {text: "locked", rank: 2},
		}
	}
	for _, tt := range []struct {
		width int
		want  string
	}{
		{29, "kitchen end-to-end locked"},
		{28, "kitchen e-t-e locked"},
		{23, "kitchen e locked"},
		{19, "kitchen e"},
		{11, "kitchen"},
		{8, "kit"},
		{1, "kit"},
	} {
		var got []string
		for _, i := range fit(short(), tt.width) {
			got = append(got, i.text)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("in %d columns fit %v, want %s", tt.width, got, tt.want)
		}
	}
	if got := fit(nil, -1); len(got) != 0 {
		t.Errorf("of nothing fits %v", got)
	}
}

func TestCharsets(t *testing.T) {
	for _, c := range []*charset{&unicodeCharset, &asciiCharset} {
		if len(c.levels) != 9 {
			t.Errorf("%d levels", len(c.levels))
		}
		all := append([]string{
			c.light.horizontal, c.light.vertical, c.light.upperLeft, c.light.upperRight, c.light.lowerLeft, c.light.lowerRight,
			c.heavy.horizontal, c.heavy.vertical, c.heavy.upperLeft, c.heavy.upperRight, c.heavy.lowerLeft, c.heavy.lowerRight,
		}, c.levels...)
		for _, s := range all {
			if textWidth(s) != 1 || utf8.RuneCountInString(s) != 1 {
				t.Errorf("%q takes %d columns", s, textWidth(s))
			}
			if c == &asciiCharset && s[0] >= 0x80 {
				t.Errorf("%q is not ASCII", s)
			}
		}
	}
	s := tcell.NewSimulationScreen("ISO-8859-1")
	if set, blocks := charsetOf(s); set != &asciiCharset || blocks {
		t.Errorf("Latin-1 has the characters %v", set)
	}
}
