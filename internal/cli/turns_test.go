package cli

import (
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// A scripted microphone speaks in the chunks for which says is true.
type scripted struct {
	says func(n int) bool
	n    int
}

func (s *scripted) ReadChunk(c *media.Chunk) error {
	*c = media.Chunk{At: time.Unix(0, 0).Add(time.Duration(s.n) * media.ChunkTime)}
	if s.says(s.n) {
		c.PCM[100] = 5000
	}
	s.n++
	return nil
}

func (s *scripted) Close() error { return nil }

func TestOneSpeaksAtATime(t *testing.T) {
	var f floor
	a := &turnMic{AudioSource: &scripted{says: func(n int) bool { return n%200 < 100 }}, floor: &f, who: 1}
	b := &turnMic{AudioSource: &scripted{says: func(n int) bool { return n%260 > 50 }}, floor: &f, who: 2}
	var heard [2]int
	for n := range 2000 {
		var c [2]media.Chunk
		for i, m := range []*turnMic{a, b} {
			if err := m.ReadChunk(&c[i]); err != nil {
				t.Fatal(err)
			}
			if loud(&c[i]) {
				heard[i]++
			}
		}
		if loud(&c[0]) && loud(&c[1]) {
			t.Fatalf("both speak in chunk %d", n)
		}
	}
	if heard[0] < 200 || heard[1] < 200 {
		t.Errorf("heard %d and %d chunks, want at least 200 of each", heard[0], heard[1])
	}
}
