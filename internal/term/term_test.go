package term

import (
	"strings"
	"testing"

	"github.com/sanix-darker/s2c/ascii"
)

// variables returns an environment of KEY=value words.
func variables(words string) func(string) string {
	m := make(map[string]string)
	for w := range strings.FieldsSeq(words) {
		k, v, _ := strings.Cut(w, "=")
		m[k] = v
	}
	return func(name string) string { return m[name] }
}

// recorded are terminals with their variables and what they answer to all
// questions, and what that comes to. Those with a comment were not there to be
// asked: their answers are put together from their sources.
var recorded = []struct {
	name, env, answers string
	want               Info
}{
	{
		"xterm 379", "TERM=xterm XTERM_VERSION=XTerm(379)",
		"\x1bP>|XTerm(379)\x1b\\\x1bP1$r0;48:2::1:2:3m\x1b\\\x1b[?2026;0$y\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?64;1;2;6;9;15;16;17;18;21;22;28c",
		Info{Name: "xterm", Version: "379", Colors: ascii.ColorsTrue, Blocks: true, Light: true},
	},
	{
		"kitty 0.26.5", "TERM=xterm-kitty COLORTERM=truecolor",
		"\x1bP>|kitty(0.26.5)\x1b\\\x1bP1$r48:2:1:2:3m\x1b\\\x1b[?2026;2$y\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;c",
		Info{Name: "kitty", Version: "0.26.5", Colors: ascii.ColorsTrue, Blocks: true, Sextants: true, Sync: true},
	},
	{
		"Konsole 22.12.3", "TERM=xterm-256color COLORTERM=truecolor COLORFGBG=15;0 KONSOLE_VERSION=221203",
		"\x1bP>|Konsole 22.12.3\x1b\\\x1b]11;rgb:2323/2626/2727\x1b\\\x1b[?62;1;4c",
		Info{Name: "konsole", Version: "22.12.3", Colors: ascii.ColorsTrue, Blocks: true, Sextants: true},
	},
	{
		"VTE 0.70.6", "TERM=xterm-256color COLORTERM=truecolor VTE_VERSION=7006",
		"\x1bP0$r\x1b\\\x1b[?2026;4$y\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?65;1;9c",
		Info{Name: "vte", Version: "7006", Colors: ascii.ColorsTrue, Blocks: true, Sextants: true},
	},
	{
		"mlterm 3.9.3", "TERM=mlterm COLORFGBG=default;default",
		"\x1bP1$r0;48;5;16m\x1b\\\x1b[?2026;0$y\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?63;1;2;3;4;6;7;15;18;22;29c",
		Info{Name: "mlterm", Colors: ascii.Colors256, Blocks: true, Light: true},
	},
	{
		"urxvt 9.30", "TERM=rxvt-unicode-256color COLORTERM=rxvt-xpm COLORFGBG=0;default;15",
		"\x1b[?2026;0$y\x1b[?1;2c",
		Info{Name: "rxvt", Colors: ascii.Colors256, Light: true},
	},
	{
		"st 0.9", "TERM=st-256color",
		"\x1b]11;rgb:0000/0000/0000\x07\x1b[?6c",
		Info{Name: "st", Colors: ascii.Colors256, Blocks: true},
	},
	{
		"Alacritty 0.11", "TERM=alacritty COLORTERM=truecolor",
		"\x1b]11;rgb:1d1d/1f1f/2121\x1b\\\x1b[?6c",
		Info{Name: "alacritty", Colors: ascii.ColorsTrue, Blocks: true},
	},
	{
		"Alacritty from ssh, whose name alone tells the colours", "TERM=alacritty SSH_TTY=/dev/pts/1",
		"\x1b]11;rgb:1d1d/1f1f/2121\x1b\\\x1b[?6c",
		Info{Name: "alacritty", Colors: ascii.ColorsTrue, Blocks: true, Remote: true},
	},
	{
		"tmux 3.3a", "TERM=tmux-256color TERM_PROGRAM=tmux TERM_PROGRAM_VERSION=3.3a TMUX=/tmp/tmux,1,0",
		"\x1bP>|tmux 3.3a\x1b\\\x1b[?1;2c",
		Info{Name: "tmux", Version: "3.3a", Colors: ascii.Colors256, Blocks: true},
	},
	{
		"tmux in a VTE of today", "TERM=tmux-256color COLORTERM=truecolor VTE_VERSION=8000 TMUX=/tmp/tmux,1,0",
		"\x1bP>|tmux 3.3a\x1b\\\x1b[?1;2c",
		Info{Name: "tmux", Version: "3.3a", Colors: ascii.ColorsTrue, Blocks: true},
	},
	{
		"screen 4.9 in something with more colours", "TERM=screen.xterm-256color COLORTERM=truecolor STY=1.pts-0.vm",
		"\x1b[?1;2c",
		Info{Name: "screen", Colors: ascii.Colors256, Blocks: true},
	},
	{ // dcs.c, csi.c
		"foot 1.20.2", "TERM=foot COLORTERM=truecolor",
		"\x1bP>|foot(1.20.2)\x1b\\\x1bP1$r0;48:2::1:2:3m\x1b\\\x1b[?2026;2$y\x1b]11;rgb:2424/2424/2424\x1b\\\x1b[?62;4;22;28c",
		Info{Name: "foot", Version: "1.20.2", Colors: ascii.ColorsTrue, Blocks: true, Sextants: true, Octants: true, Sync: true},
	},
	{ // stream_handler.zig
		"ghostty 1.2.0 from ssh", "TERM=xterm-ghostty SSH_CONNECTION=::1",
		"\x1bP>|ghostty 1.2.0\x1b\\\x1bP1$r0;48:2::1:2:3m\x1b\\\x1b[?2026;2$y\x1b]11;rgb:28/2c/34\x1b\\\x1b[?62;22c",
		Info{Name: "ghostty", Version: "1.2.0", Colors: ascii.ColorsTrue, Blocks: true, Sextants: true, Octants: true, Sync: true, Remote: true},
	},
	{ // terminalstate/mod.rs, performer.rs
		"WezTerm 20240203", "TERM=xterm-256color TERM_PROGRAM=WezTerm TERM_PROGRAM_VERSION=20240203-110809-5046fc22 COLORTERM=truecolor",
		"\x1bP>|WezTerm 20240203-110809-5046fc22\x1b\\\x1b[?2026;2$y\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?65;4;6;18;22c",
		Info{Name: "wezterm", Version: "20240203-110809-5046fc22", Colors: ascii.ColorsTrue, Blocks: true, Sextants: true, Sync: true},
	},
	{ // vteseq.cc
		"VTE 0.78", "TERM=xterm-256color VTE_VERSION=7800",
		"\x1bP>|VTE(7800)\x1b\\\x1bP1$r0;48:2:1:2:3m\x1b\\\x1b[?2026;2$y\x1b]11;rgb:ffff/ffff/dddd\x1b\\\x1b[?65;1;9c",
		Info{Name: "vte", Version: "7800", Colors: ascii.ColorsTrue, Blocks: true, Sextants: true, Octants: true, Sync: true, Light: true},
	},
	{ // adaptDispatch.cpp
		"Windows Terminal with Linux", "TERM=xterm-256color WT_SESSION=4b3e",
		"\x1bP1$r0;48:2::1:2:3m\x1b\\\x1b[?2026;2$y\x1b]11;rgb:0c0c/0c0c/0c0c\x1b\\\x1b[?61;4;6;7;14;21;22;23;24;28;32;42;52c",
		Info{Name: "windows-terminal", Colors: ascii.ColorsTrue, Blocks: true, Sync: true},
	},
	{
		"Linux console", "TERM=linux COLORTERM=truecolor", "",
		Info{Name: "linux", Colors: ascii.Colors16},
	},
	{
		"no terminal", "TERM=dumb COLORTERM=truecolor", "",
		Info{Name: "dumb", Colors: ascii.ColorsNone},
	},
	{
		"terminal of paper", "TERM=vt220", "",
		Info{Name: "vt220", Colors: ascii.ColorsNone},
	},
	{
		"silence", "TERM=xterm", "",
		Info{Colors: ascii.Colors16, Blocks: true},
	},
	{
		"silence, with 256 colours", "TERM=xterm-256color", "",
		Info{Colors: ascii.Colors256, Blocks: true},
	},
	{
		"TERM with 24 bits", "TERM=xterm-direct", "\x1b[?64;c",
		Info{Colors: ascii.ColorsTrue, Blocks: true},
	},
	{
		"VTE_VERSION of a VTE that would have answered", "TERM=xterm-256color VTE_VERSION=7800", "\x1b[?6c",
		Info{Name: "vte", Version: "7800", Colors: ascii.ColorsTrue, Blocks: true},
	},
	{
		"iTerm2 from ssh", "TERM=xterm-256color LC_TERMINAL=iTerm2 LC_TERMINAL_VERSION=3.5.0 SSH_CONNECTION=::1", "",
		Info{Name: "iterm2", Version: "3.5.0", Colors: ascii.ColorsTrue, Blocks: true, Remote: true},
	},
	{
		"Terminal.app", "TERM=xterm-256color TERM_PROGRAM=Apple_Terminal TERM_PROGRAM_VERSION=455.1",
		"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?1;2c",
		Info{Name: "apple_terminal", Version: "455.1", Colors: ascii.Colors256, Light: true},
	},
	{
		"no colours wanted", "TERM=xterm-kitty COLORTERM=truecolor NO_COLOR=1",
		"\x1bP>|kitty(0.47.0)\x1b\\\x1bP1$r48:2:1:2:3m\x1b\\\x1b[?2026;2$y\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;c",
		Info{Name: "kitty", Version: "0.47.0", Colors: ascii.ColorsNone, Blocks: true, Sextants: true, Octants: true, Sync: true},
	},
	{
		"no UTF-8", "TERM=xterm-kitty LC_ALL=de_DE.ISO-8859-1@euro LANG=C.UTF-8",
		"\x1bP>|kitty(0.47.0)\x1b\\\x1b[?62;c",
		Info{Name: "kitty", Version: "0.47.0", Colors: ascii.ColorsTrue},
	},
	{
		"names that want to be more", "TERM=xterm-256color",
		"\x1bP>|Evil\x9b31m\xc3\xa4\x07\x1bP>|a\x1b]0;x\x07b\x1bP>|" + strings.Repeat("long ", 30) + "(1\t2" + strings.Repeat(".3", 40) + ")\x1b\\\x1b[?62;c",
		Info{
			Name: "long-long-long-long-long-long-long-long", Version: "12" + strings.Repeat(".3", 19),
			Colors: ascii.Colors256, Blocks: true,
		},
	},
	{
		"garbage", "TERM=xterm-256color",
		"\x1b\x1b\x1b[\x1b]\x00\x9c\x1bPP\x1bP1$r48;2;1;2m\x1b\\\x1b]11;rgb:f/f\x1b\\\x1b]11;rgb:fffff/0/0\a\x1b]11;cmyk:1/1/1/1\a\x1b[?2026;0;1$y\x1b[2026;1$y\x1b[c\x1b[1;2c\x1bP>|x\x18\x1b\\",
		Info{Colors: ascii.Colors256, Blocks: true},
	},
}

// TestRecorded reads the answers whole, and cut in two at every place.
func TestRecorded(t *testing.T) {
	for _, tt := range recorded {
		for cut := range len(tt.answers) + 1 {
			var a answers
			a.feed([]byte(tt.answers[:cut]))
			a.feed([]byte(tt.answers[cut:]))
			if got := conclude(variables(tt.env), &a); got != tt.want {
				t.Errorf("%s, %q in %s, cut at %d: %+v, want %+v", tt.name, tt.answers, tt.env, cut, got, tt.want)
				break
			}
			if want := strings.Contains(tt.answers, "\x1b[?6") || strings.Contains(tt.answers, "\x1b[?1;2c"); a.last != want {
				t.Errorf("%s, %q: end %v, want %v", tt.name, tt.answers, a.last, want)
				break
			}
		}
	}
}

// TestTooMuch has a terminal say more than there is to say.
func TestTooMuch(t *testing.T) {
	for _, tt := range []struct {
		name, before string
		last, sync   bool
	}{
		{"a long answer", "\x1bP>|" + strings.Repeat("x", 2*maxAnswer) + "\x1b\\", true, true},
		{"much text", strings.Repeat("x", maxAnswers-30), true, true},
		{"too much text", strings.Repeat("x", maxAnswers), false, false},
	} {
		var a answers
		a.feed([]byte(tt.before + "\x1b[?2026;1$y\x1b[?62;c"))
		if a.name != "" || a.last != tt.last || a.sync != tt.sync {
			t.Errorf("after %s: name %q, end %v, sync %v; want \"\", %v, %v", tt.name, a.name, a.last, a.sync, tt.last, tt.sync)
		}
	}
}

func TestDepth(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want int
	}{
		{"48;2;1;2;3", 24},
		{"0;48:2::1:2:3", 24},
		{"48:2:1:1:2:3;4", 24},
		{"1;38;5;7;48:2:1:2:3", 24},
		{"48:2:9:9:1:2:3", 0},
		{"48:2::1:2:4", 0},
		{"0;48;5;16", 8},
		{"0;48:5:16", 8},
		{"0;48;5;0", 0},
		{"0;48;5;999", 0},
		{"0;48;5;", 0},
		{"0;40", 0},
		{"148;2;1;2;3", 0},
		{"", 0},
	} {
		if got := depthOf(tt.in); got != tt.want {
			t.Errorf("depthOf(%q) = %d, want %d", tt.in, got, tt.want)
		}
	}
}

func TestGround(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want ground
	}{
		{"rgb:f/f/f", lightGround},
		{"rgb:fff/fff/fff", lightGround},
		{"rgb:80/80/80", lightGround},
		{"rgb:7f/7f/7f", darkGround},
		{"rgb:0000/ffff/0000", lightGround},
		{"rgb:ffff/0000/ffff", darkGround},
		{"rgba:ffff/ffff/ffff/0000", lightGround},
		{"rgb:ffff/ffff/ffff/0000", unknownGround},
		{"rgba:ffff/ffff/ffff", unknownGround},
		{"rgb:ffff//ffff", unknownGround},
		{"rgb:+f/+f/+f", unknownGround},
		{"#ffffff", unknownGround},
		{"", unknownGround},
	} {
		if got := groundOf(tt.in); got != tt.want {
			t.Errorf("groundOf(%q) = %d, want %d", tt.in, got, tt.want)
		}
	}
	for in, want := range map[string]bool{"15;0": false, "0;15": true, "0;default;7": true, "7;8": false, "default;default": false, "7": false, "": false} {
		if got := isLightIn(in); got != want {
			t.Errorf("isLightIn(%q) = %v, want %v", in, got, want)
		}
	}
}

func TestVersions(t *testing.T) {
	for _, tt := range []struct {
		version, least string
		want           bool
	}{
		{"1.20.0", "1.20.0", true},
		{"1.20", "1.20.0", true},
		{"1.19.9", "1.20.0", false},
		{"1.100", "1.20.0", true},
		{"2", "1.20.0", true},
		{"1.2.0-dev+123.9", "1.2.0", true},
		{"3.3a", "3.3", true},
		{"20240203-110809-5046fc22", "20210814", true},
		{"20240203-110809-5046fc22", "20250209", false},
		{"99999999999999999999999", "1", true},
		{"-5", "1", false},
		{"...", "0.1", false},
		{"", "0", false},
		{"9", "", false},
	} {
		if got := atLeast(tt.version, tt.least); got != tt.want {
			t.Errorf("atLeast(%q, %q) = %v, want %v", tt.version, tt.least, got, tt.want)
		}
	}
}

func TestLocale(t *testing.T) {
	if !localeMatters {
		t.Skip("the locale does not matter here")
	}
	for in, want := range map[string]bool{
		"":                                 true,
		"LANG=C":                           false,
		"LC_CTYPE=POSIX":                   false,
		"LANG=C.UTF-8":                     true,
		"LANG=de_DE.utf8@euro":             true,
		"LANG=de_DE":                       true,
		"LANG=de_DE.UTF-8 LC_ALL=C":        false,
		"LANG=C LC_CTYPE=en_US.UTF-8":      true,
		"LC_CTYPE=C LC_ALL=en_US.UTF-8":    true,
		"LANG=ja_JP.eucJP LC_MESSAGES=UTF": false,
	} {
		if got := isUTF8(variables(in)); got != want {
			t.Errorf("isUTF8 in %q = %v, want %v", in, got, want)
		}
	}
}

// TestQuestions holds what is not asked of those who would show it as text.
func TestQuestions(t *testing.T) {
	for _, tt := range []struct{ env, want string }{
		{"TERM=linux", ""},
		{"TERM=dumb", ""},
		{"TERM=vt100", ""},
		{"TERM=eterm-color", ""},
		{"", ""},
		{"TERM=screen-256color", askGround + askLast},
		{"TERM=xterm-256color STY=1.pts", askGround + askLast},
		{"TERM=screen.xterm-256color STY=1.pts TMUX=/tmp/x", askGround + askLast},
		{"TERM=xterm-256color TERM_PROGRAM=Apple_Terminal", askGround + askLast},
		{"TERM=screen-256color TMUX=/tmp/x", hide + askName + askColour + askSync + askGround + cover + askLast},
		{"TERM=tmux-256color", hide + askName + askColour + askSync + askGround + cover + askLast},
		{"TERM=xterm", hide + askName + askColour + askSync + askGround + cover + askLast},
	} {
		if got := questions(variables(tt.env)); got != tt.want {
			t.Errorf("questions in %q = %q, want %q", tt.env, got, tt.want)
		}
	}
}

func TestBest(t *testing.T) {
	for _, tt := range []struct {
		info Info
		want ascii.Look
	}{
		{Info{}, ascii.LookLetters},
		{Info{Colors: ascii.Colors256}, ascii.LookLetters},
		{Info{Colors: ascii.Colors16}, ascii.LookReverse},
		{Info{Colors: ascii.ColorsNone}, ascii.LookReverse},
		{Info{Sextants: true, Octants: true}, ascii.LookLetters}, // no UTF-8
		{Info{Blocks: true}, ascii.LookQuadrant},
		{Info{Blocks: true, Colors: ascii.Colors256}, ascii.LookQuadrant},
		{Info{Blocks: true, Sextants: true}, ascii.LookSextant},
		{Info{Blocks: true, Sextants: true, Octants: true, Colors: ascii.Colors256}, ascii.LookOctant},
		{Info{Blocks: true, Sextants: true, Octants: true, Colors: ascii.Colors16}, ascii.LookBraille},
		{Info{Blocks: true, Sextants: true, Octants: true, Colors: ascii.ColorsNone}, ascii.LookBraille},
	} {
		for _, size := range [][2]int{{10, 4}, {38, 9}, {118, 46}} {
			if got := tt.info.Best(size[0], size[1]); got != tt.want {
				t.Errorf("Best(%d, %d) of %+v = %v, want %v", size[0], size[1], tt.info, got, tt.want)
			}
		}
	}
}

// FuzzAnswers reads anything: in one piece and byte by byte is the same, and
// what may reach the screen is harmless.
func FuzzAnswers(f *testing.F) {
	for _, tt := range recorded {
		f.Add([]byte(tt.answers), tt.env)
	}
	f.Add(make([]byte, maxAnswers+2), "") // more than is read
	f.Fuzz(func(t *testing.T, b []byte, env string) {
		var whole, apart answers
		whole.feed(b)
		for i := range b {
			apart.feed(b[i : i+1])
		}
		if whole != apart {
			t.Errorf("%q at once is %+v, byte by byte %+v", b, whole, apart)
		}
		got := conclude(variables(env), &whole)
		for _, s := range []string{got.Name, got.Version} {
			if len(s) > 40 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Errorf("%q in %q: %q is not printable ASCII without spaces of at most 40 bytes", b, env, s)
			}
		}
		if got.Colors > ascii.ColorsNone || (got.Sextants || got.Octants) && !got.Blocks {
			t.Errorf("%q in %q: %+v", b, env, got)
		}
	})
}
