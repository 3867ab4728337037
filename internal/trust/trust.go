// Package trust keeps what a person knows of others, and the person's own
// identity, in files that only they can read.
package trust

import (
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
)

// A Mark says how well a person is known.
type Mark uint8

// The marks, from the least known to the best.
const (
	New      Mark = iota // never met
	Changed              // the name belongs to somebody with another key: the one mark that is an alarm
	Seen                 // met before
	Verified             // met before, and the codes were compared, or the person was trusted by hand
)

// String returns the word that is shown for a mark.
func (m Mark) String() string {
	switch m {
	case New:
		return "new"
	case Changed:
		return "key changed"
	case Seen:
		return "seen"
	case Verified:
		return "verified"
	}
	panic("trust: internal error: mark of no kind")
}

// A Person is a line of known_peers.
type Person struct {
	Fingerprint hello.Fingerprint
	Name        string    // as last met; clean, and empty if it is not known
	First, Last time.Time // the days when they were met, as midnight UTC; zero if they are not known
	Verified    bool
}
