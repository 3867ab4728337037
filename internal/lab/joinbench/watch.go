package main

import (
	"bytes"
	"time"
	"unicode/utf8"
)

// What the program writes at the beginning of a phase.
var (
	lastQuestion = []byte("\x1b[c")
	takeOver     = []byte("\x1b[?1049h")
	otherName    = []byte("ann")
)

// answer is what a terminal says to the last question.
const answer = "\x1b[?62;22c"

// tailMost is how much is kept for what is cut in two.
const tailMost = 400

// take takes what was written until now. It returns what to answer, and whether
// there is a picture.
func (w *watcher) take(b []byte, now time.Time) (say string, done bool) {
	since := now.Sub(w.start)
	old := len(w.tail)
	w.tail = append(w.tail, b...)
	has := func(what []byte) bool {
		return bytes.Contains(w.tail[max(0, old-len(what)+1):], what)
	}
	note := func(phase int, reached bool) bool {
		if w.times[phase] != 0 || !reached {
			return false
		}
		w.times[phase] = since
		return true
	}
	if note(asked, has(lastQuestion)) {
		say = answer
	}
	note(screen, has(takeOver))
	if w.times[screen] > 0 {
		note(name, has(otherName))
		w.count(b)
	}
	done = note(picture, w.cells >= pictureCells)
	w.tail = append(w.tail[:0], w.tail[max(0, len(w.tail)-tailMost):]...)
	return say, done
}

// count counts the parts of pictures in b: blocks, braille and the like.
func (w *watcher) count(b []byte) {
	b = append(w.cut, b...)
	for utf8.FullRune(b) {
		r, size := utf8.DecodeRune(b)
		b = b[size:]
		if 0x2580 <= r && r <= 0x259f || 0x2800 <= r && r <= 0x28ff || 0x1fb00 <= r && r <= 0x1fb3b {
			w.cells++
		}
	}
	w.cut = bytes.Clone(b)
}
