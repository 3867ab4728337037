package cli

import (
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// A floor belongs to one speaker at a time, as in a polite conversation.
type floor struct {
	mu    sync.Mutex
	owner int // 0 when nobody speaks
	until time.Time
}

// floorRest is how long the floor stays with somebody who pauses between words.
const floorRest = 600 * time.Millisecond

// take gives the floor to speaker who, at time now, unless somebody else has it.
func (f *floor) take(who int, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.owner != who && now.Before(f.until) {
		return false
	}
	f.owner, f.until = who, now.Add(floorRest)
	return true
}

// A turnMic lets its microphone be heard when the floor is its own. A phrase
// that began while somebody else spoke is not heard at all.
type turnMic struct {
	media.AudioSource
	floor *floor
	who   int // from 1

	// Owned by the reader.
	quiet   int  // chunks of silence in a row
	refused bool // until the phrase ends
}

// phraseEnd is how many silent chunks end a phrase: 300 ms.
const phraseEnd = 30

// turnLoud is the least sample of a voice, as the test voices make it.
const turnLoud = 200

// ReadChunk implements media.AudioSource.
func (m *turnMic) ReadChunk(c *media.Chunk) error {
	if err := m.AudioSource.ReadChunk(c); err != nil {
		return err
	}
	if !loud(c) {
		if m.quiet++; m.quiet >= phraseEnd {
			m.refused = false
		}
		return nil
	}
	m.quiet = 0
	if m.refused || !m.floor.take(m.who, c.At) {
		m.refused = true
		clear(c.PCM[:])
	}
	return nil
}

func loud(c *media.Chunk) bool {
	for _, v := range c.PCM {
		if v > turnLoud || v < -turnLoud {
			return true
		}
	}
	return false
}
