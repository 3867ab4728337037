package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/program"
)

func TestParsePress(t *testing.T) {
	for _, test := range []struct {
		s    string
		want press
		ok   bool
	}{
		{"8s g", press{8 * time.Second, "g"}, true},
		{"100ms Tab", press{100 * time.Millisecond, "\t"}, true},
		{"1s hello there", press{time.Second, "hello there"}, true},
		{"g", press{}, false},
		{"1s", press{}, false},
		{"1s ", press{}, false},
		{"-1s g", press{}, false},
		{"", press{}, false},
	} {
		if got, err := parsePress(test.s); got != test.want || (err == nil) != test.ok {
			t.Errorf("parsePress(%q) = %+v, %v, want %+v, %v", test.s, got, err, test.want, test.ok)
		}
	}
}

// TestRecord records a real call.
func TestRecord(t *testing.T) {
	s2c, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, env := range s2c.Env() {
		if name, value, _ := strings.Cut(env, "="); strings.HasPrefix(name, "S2C_") {
			t.Setenv(name, value)
		}
	}
	var b bytes.Buffer
	if err := record(t.Context(), options{
		cols: 100, rows: 30, title: "a call", length: 4 * time.Second, keys: []press{{3 * time.Second, "?"}},
		argv: []string{s2c.Exe, "demo", "--camera", "test", "--mic", "none", "--speaker", "none"},
	}, &b); err != nil {
		t.Fatal(err)
	}
	cols, rows, text := replay(t, b.Bytes())
	if cols != 100 || rows != 30 {
		t.Errorf("the recording has %dx%d cells, want 100x30", cols, rows)
	}
	// The other screen, somebody's name, the help, and the end of the other screen.
	for _, want := range []string{"\x1b[?1049h", "carol", "Esc closes", "\x1b[?1049l"} {
		if !strings.Contains(text, want) {
			t.Errorf("the recording has no %q", want)
		}
	}
}

// TestEndsEarly makes sure that a program that ends by itself is no recording.
func TestEndsEarly(t *testing.T) {
	var b bytes.Buffer
	err := record(context.Background(), options{cols: 80, rows: 24, length: time.Minute, argv: []string{"sh", "-c", "echo over"}}, &b)
	if err == nil || !strings.Contains(err.Error(), "ended before") {
		t.Errorf("a program that ends at once: %v", err)
	}
	if _, _, text := replay(t, b.Bytes()); !strings.Contains(text, "over") {
		t.Errorf("its output is %q", text)
	}
}

// TestDemo makes sure that the recording in docs can be played.
func TestDemo(t *testing.T) {
	b, err := os.ReadFile("../../../docs/demo.cast")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, text := replay(t, b); !strings.Contains(text, "carol") || len(b) > 2_000_000 {
		t.Errorf("docs/demo.cast has %d bytes, want a call in 2 MB", len(b))
	}
}
