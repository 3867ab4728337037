package ui

import (
	"bytes"
	"slices"

	"github.com/gdamore/tcell/v2"
)

// Terminals that speak kitty's keyboard protocol say that a key was let go, when
// they are asked, by sequences that tcell takes for something else. The gate takes
// them out of what is typed, and puts a character in for the Space key.
//
// See https://sw.kovidgoyal.net/kitty/keyboard-protocol/.

// askReleases adds the events of keys to the flags that tcell has pushed, and with
// which they are popped.
const askReleases = "\x1b[=2;2u"

// spaceUp is the character, of those for private use, that says that Space was
// let go; spaceUpKey is how tcell is told of it.
const (
	spaceUp    = '\uf8f0'
	spaceUpKey = "\x1b[63728u"
)

// withReleases are the terminals that can say that a key was let go.
var withReleases = []string{"alacritty", "contour", "foot", "ghostty", "iterm2", "kitty", "rio", "wezterm"}

// saysReleases reports whether a terminal of a name may say so.
func saysReleases(name string) bool { return slices.Contains(withReleases, name) }

// isSpaceUp reports whether a key is the one that says that Space was let go.
func isSpaceUp(k *tcell.EventKey) bool { return k.Key() == tcell.KeyRune && k.Rune() == spaceUp }

// maxSequence is how many bytes the sequence of a key has at most, and of how many
// one that is cut is kept until the rest comes.
const maxSequence = 32

// keyEvents changes what is typed in place: that a key is let go is taken out, or
// is spaceUpKey, and that it is still held becomes that it is pressed again. It
// returns how many bytes are left, and what may be the begin of such a sequence.
func keyEvents(b []byte) (n int, cut []byte) {
	for i := 0; i < len(b); {
		size, whole := sequence(b[i:])
		if !whole && size < maxSequence {
			return n, b[i:]
		}
		seq := b[i : i+size]
		i += size
		if kind := bytes.LastIndexByte(seq, ':'); size > 1 && kind >= 0 && kind == size-3 {
			switch seq[kind+1] {
			case '3':
				if !bytes.HasPrefix(seq, []byte("\x1b[32;")) || seq[size-1] != 'u' {
					continue
				}
				if size >= len(spaceUpKey) {
					n += copy(b[n:], spaceUpKey)
				}
				continue
			case '1', '2':
				final := seq[size-1]
				n += copy(b[n:], seq[:kind])
				n += copy(b[n:], []byte{final})
				continue
			}
		}
		n += copy(b[n:], seq)
	}
	return n, nil
}

// sequence returns the length of the sequence of a key that b begins with, or 1 for
// anything else, and whether it is all there.
func sequence(b []byte) (size int, whole bool) {
	if len(b) < 3 || b[0] != 0x1b || b[1] != '[' || b[2] < '0' || b[2] > '9' {
		return 1, true
	}
	for i := 3; i < len(b) && i < maxSequence; i++ {
		if c := b[i]; (c < '0' || c > '9') && c != ';' && c != ':' {
			return i + 1, true
		}
	}
	return min(len(b), maxSequence), false
}
