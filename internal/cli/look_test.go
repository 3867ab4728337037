package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sanix-darker/s2c/ascii"
)

func TestParseRate(t *testing.T) {
	tests := []struct {
		in   string
		rate int
		auto bool
		ok   bool
	}{
		{"auto", 0, true, true},
		{"none", 0, false, true},
		{"2000", 2000, false, true},
		{"200k", 200_000, false, true},
		{"200K", 200_000, false, true},
		{"3M", 3_000_000, false, true},
		{"1999", 0, false, false},
		{"1k", 0, false, false},
		{"0", 0, false, false},
		{"-5k", 0, false, false},
		{"", 0, false, false},
		{"k", 0, false, false},
		{"2kk", 0, false, false},
		{"2k5", 0, false, false},
		{"1.5M", 0, false, false},
		{"4000M", 0, false, false},
		{"99999999999999999999", 0, false, false},
		{"fast", 0, false, false},
	}
	for _, test := range tests {
		rate, auto, err := parseRate(test.in)
		if rate != test.rate || auto != test.auto || (err == nil) != test.ok {
			t.Errorf("parseRate(%q) = %d, %v, %v, want %d, %v, ok %v", test.in, rate, auto, err, test.rate, test.auto, test.ok)
		}
		if err != nil && hintOf(err) == "" {
			t.Errorf("parseRate(%q): %v, without a hint", test.in, err)
		}
	}
}

// hintOf returns what a person is told to do about a usage error.
func hintOf(err error) string {
	if u, ok := errors.AsType[*usageError](err); ok {
		return u.hint
	}
	return ""
}

// TestRememberedLook chooses looks on several terminals and starts again.
func TestRememberedLook(t *testing.T) {
	dir := t.TempDir()
	e := Env{Getenv: func(k string) string {
		if k == "S2C_CONFIG" {
			return dir
		}
		return ""
	}}
	if got := e.rememberedLook("foot"); got != "" {
		t.Errorf("before anything was chosen: %q", got)
	}
	for _, step := range []struct{ terminal, look string }{
		{"foot", "octant"}, {"tmux", "auto"}, {"foot", "letters"}, {"xterm", "braille"},
	} {
		if err := e.rememberLook(step.terminal, step.look); err != nil {
			t.Fatal(err)
		}
	}
	for terminal, want := range map[string]string{"foot": "letters", "tmux": "auto", "xterm": "braille", "foo": "", "foot x": ""} {
		if got := e.rememberedLook(terminal); got != want {
			t.Errorf("on %s: %q, want %q", terminal, got, want)
		}
	}
	path := filepath.Join(dir, "looks")
	for _, odd := range []string{"foot fancy\n", "foot", "\x1b[2J\n\n \nfoot  octant", strings.Repeat("x", 20<<10)} {
		if err := os.WriteFile(path, []byte(odd), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := e.rememberedLook("foot"); got != "" {
			t.Errorf("in %.20q: %q, want nothing", odd, got)
		}
	}
}

func TestParseLook(t *testing.T) {
	for _, name := range lookNames() {
		if l, auto, err := parseLook(name); err != nil || auto || l.String() != name {
			t.Errorf("parseLook(%q) = %v, %v, %v", name, l, auto, err)
		}
	}
	if got := len(lookNames()); got != int(ascii.EveryLook) {
		t.Errorf("%d looks have names, want %d", got, ascii.EveryLook)
	}
	for _, s := range []string{"", "auto"} {
		if _, auto, err := parseLook(s); err != nil || !auto {
			t.Errorf("parseLook(%q): auto %v, %v", s, auto, err)
		}
	}
	if _, _, err := parseLook("fancy"); err == nil {
		t.Error("a look called fancy is taken")
	}
}
