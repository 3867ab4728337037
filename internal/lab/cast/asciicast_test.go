package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// replay reads a recording and returns its size and all of its output.
func replay(t *testing.T, cast []byte) (cols, rows int, text string) {
	t.Helper()
	lines := bufio.NewScanner(bytes.NewReader(cast))
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() {
		t.Fatal("the recording is empty")
	}
	var head struct{ Version, Width, Height int }
	if err := json.Unmarshal(lines.Bytes(), &head); err != nil || head.Version != 2 {
		t.Fatalf("the head %s is not of version 2: %v", lines.Bytes(), err)
	}
	var all strings.Builder
	last := 0.0
	for lines.Scan() {
		var at float64
		var kind, out string
		if err := json.Unmarshal(lines.Bytes(), &[]any{&at, &kind, &out}); err != nil || kind != "o" || at < last {
			t.Fatalf("after %f comes %.100s: %v", last, lines.Bytes(), err)
		}
		last = at
		all.WriteString(out)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return head.Width, head.Height, all.String()
}

// TestWholeCharacters cuts a text at every place: no character is lost or damaged.
func TestWholeCharacters(t *testing.T) {
	const text = "a▀é🎤\x1b[1m<&>\"\\"
	for cut := range len(text) {
		var b bytes.Buffer
		w, err := newWriter(&b, 80, 24, "a title")
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range []string{text[:cut], text[cut:]} {
			if err := w.output(time.Duration(i)*time.Millisecond, []byte(part)); err != nil {
				t.Fatal(err)
			}
		}
		if cols, rows, got := replay(t, b.Bytes()); got != text || cols != 80 || rows != 24 {
			t.Errorf("cut at %d, %q comes as %q on %dx%d", cut, text, got, cols, rows)
		}
	}
}

// TestUnfinished makes sure that what is no UTF-8 is not kept for ever.
func TestUnfinished(t *testing.T) {
	for _, test := range []struct {
		b    string
		want int
	}{{"", 0}, {"a", 0}, {"\xe2", 1}, {"\xe2\x96", 2}, {"▀", 0}, {"\xf0\x9f\x8e", 3}, {"\x80\x80\x80\x80", 0}, {"\xff", 0}} {
		if got := unfinished([]byte(test.b)); got != test.want {
			t.Errorf("unfinished(%q) = %d, want %d", test.b, got, test.want)
		}
	}
}
