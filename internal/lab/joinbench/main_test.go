package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
)

// TestWatcher follows what a program writes, cut anywhere.
func TestWatcher(t *testing.T) {
	output := "\x1b[>0q\x1b[c" + "ann" + "\x1b[?1049h" + "│ ann │" + strings.Repeat("▀\x1b[m", pictureCells)
	for _, size := range []int{1 << 20, 7, 64} {
		w := watcher{start: time.Unix(0, 0)}
		said, ended := "", false
		at := 0
		for b := []byte(output); len(b) > 0 && !ended; {
			n := min(size, len(b))
			at++
			say, done := w.take(b[:n], time.Unix(int64(at), 0))
			said += say
			b, ended = b[n:], done
		}
		if said != answer || !ended {
			t.Errorf("in pieces of %d: answered %q, a picture is seen: %v", size, said, ended)
		}
		if w.times[asked] == 0 || w.times[screen] < w.times[asked] || w.times[name] < w.times[screen] {
			t.Errorf("in pieces of %d: %v", size, w.times)
		}
	}
}

// TestJoin joins once, and sees a picture after everything else.
func TestJoin(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	o := options{joins: 1, cols: 80, rows: 24, camera: "none", mic: "none"}
	list, err := measure(context.Background(), o)
	lab.Need(t, err)
	if len(list) != 1 || list[0][asked] <= 0 || list[0][screen] < list[0][asked] || list[0][name] < list[0][screen] || list[0][picture] < list[0][screen] {
		t.Errorf("%v, want one after the other", list)
	}
}
