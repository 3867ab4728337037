// Package words holds 1,024 short English words, to be read aloud and typed:
// 10 bits each. Safety codes and made-up passphrases are made of them.
//
// The words are part of EFF's short word list 1. CREDITS.md beside this file
// says whose it is and how these were chosen.
package words

import (
	"crypto/rand"
	_ "embed" // for words.txt
	"encoding/binary"
	"fmt"
	"strings"
)

// Count is the number of words, 2 to the 10th.
const Count = 1024

// Each word stands for as many bits as an index needs.
const (
	wordBits = 10
	wordMask = Count - 1
)

//go:embed words.txt
var file string

// list has the words in the order of the alphabet. Part of the protocol: two
// people compare words, so no word may change places.
var list = parse(file)

// parse splits a file of one word per line. The file is built in, so that a
// wrong one is a mistake of ours.
func parse(file string) [Count]string {
	words := strings.Fields(file)
	if len(words) != Count {
		panic(fmt.Sprintf("words: internal error: %d words, want %d", len(words), Count))
	}
	return [Count]string(words)
}

// Word returns a word by its number from 0 to 1,023, and panics for any other.
// It is three to five letters from a to z.
func Word(i int) string { return list[i] }

// Four returns the words that stand for 40 bits: the first word for the
// highest 10 bits of the first byte on, and so on.
func Four(bits [5]byte) [4]string {
	var b [8]byte
	copy(b[3:], bits[:])
	x := binary.BigEndian.Uint64(b[:])
	var w [4]string
	for i := range w {
		w[i] = list[x>>(wordBits*(len(w)-1-i))&wordMask]
	}
	return w
}

// Phrase makes up a passphrase: three words, each drawn from all of them, with
// "-" between them. It is worth 30 bits, enough against somebody who can try
// few guesses and has to make each of them in the open, and far too little
// against one who can guess on a computer of his own.
func Phrase() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails: see crypto/rand
	x := binary.BigEndian.Uint32(b[:])
	return list[x>>(2*wordBits)&wordMask] + "-" + list[x>>wordBits&wordMask] + "-" + list[x&wordMask]
}
