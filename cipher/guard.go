package cipher

import (
	"sync"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
)

// How many wrong passphrases are taken: so many of one identity, and so many in
// all, within an hour. With a passphrase of 30 bits, 50 members who each take
// 20 guesses an hour give an attacker one chance in a million per hour.
const (
	maxGuessesOfOne = 5
	maxGuesses      = 20
	guessMemory     = time.Hour
)

// A Guard counts who did not know the passphrase of a session. It outlives a
// Session, as whoever can end the connection could else start the count anew.
// The zero Guard has counted nothing. Any goroutine may use it.
type Guard struct {
	mu    sync.Mutex
	fails []failure // the oldest first; at most maxGuesses, as nobody is let in then
}

// A failure is one wrong passphrase.
type failure struct {
	at time.Time
	fp hello.Fingerprint
}

// Count returns how many did not know the passphrase in the last hour, and
// whether they are so many that nobody new is let in.
func (g *Guard) Count(now time.Time) (n int, shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget(now)
	return len(g.fails), len(g.fails) >= maxGuesses
}

// forget drops what is older than an hour. g.mu is held.
func (g *Guard) forget(now time.Time) {
	n := 0
	for n < len(g.fails) && now.Sub(g.fails[n].at) >= guessMemory {
		n++
	}
	g.fails = append(g.fails[:0], g.fails[n:]...)
}

// fail counts a wrong passphrase.
func (g *Guard) fail(now time.Time, fp hello.Fingerprint) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget(now)
	if len(g.fails) < maxGuesses+maxUnconfirmed { // those who were let in before it was shut
		g.fails = append(g.fails, failure{now, fp})
	}
}

// refuses reports whether an identity may not try any more, which has so many
// tries under way.
func (g *Guard) refuses(now time.Time, fp hello.Fingerprint, underway int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget(now)
	n := underway
	for _, f := range g.fails {
		if f.fp == fp {
			n++
		}
	}
	return n >= maxGuessesOfOne || len(g.fails) >= maxGuesses
}

// Guesses returns what Guard.Count does, for the Guard of this session.
func (s *Session) Guesses(now time.Time) (n int, shut bool) { return s.guard.Count(now) }
