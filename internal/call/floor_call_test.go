package call_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/wire"
)

// A quietMic is a microphone in an empty room.
type quietMic struct{ media.AudioSource }

func (m quietMic) ReadChunk(c *media.Chunk) error {
	err := m.AudioSource.ReadChunk(c)
	clear(c.PCM[:])
	return err
}

// TestLargeSession has two of twelve speak at the same time and a third keep quiet
// with an open microphone. The two are heard, of the third nothing is sent on, and
// nobody takes that for loss. When two listeners have left everybody is heard.
func TestLargeSession(t *testing.T) {
	if testing.Short() {
		t.Skip("voices of eleven seconds are coded, which takes twenty with the race detector")
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		var ear *call.Call
		leave := make([]context.CancelFunc, 0, 2)
		for i := range wire.FloorFrom + 2 {
			cfg, _ := w.person(fmt.Sprintf("p%02d", i), simnet.Link{Delay: 10 * time.Millisecond})
			cfg.Camera = nil
			switch i {
			case 0, 1:
			case 2:
				open := cfg.Mic
				cfg.Mic = func(ctx context.Context) (media.AudioSource, error) {
					m, err := open(ctx)
					return quietMic{m}, err
				}
			default:
				cfg.Mic = nil
			}
			ctx, cancel := context.WithCancel(w.ctx)
			c, _ := w.enterUntil(ctx, cfg)
			switch i {
			case 3:
				ear = c
			case 10, 11:
				leave = append(leave, cancel)
			}
			defer cancel()
		}
		time.Sleep(4 * time.Second)
		hears := func(d time.Duration) (chunks [3]uint64, loss float64) {
			before := state(ear).Members
			time.Sleep(d)
			for i, m := range state(ear).Members[:3] {
				chunks[i] = m.VoicePlayed - before[i].VoicePlayed
				loss = max(loss, m.Loss)
			}
			return chunks, loss
		}
		if got, loss := hears(3 * time.Second); got[0] < 290 || got[1] < 290 || got[2] > 0 || loss > 0 {
			t.Errorf("of twelve are heard %v chunks, with a loss of %v; want about 300 of two, none of the third, 0", got, loss)
		}
		for _, f := range leave {
			f()
		}
		time.Sleep(3 * time.Second)
		if got, loss := hears(3 * time.Second); min(got[0], got[1], got[2]) < 290 || loss > 0 {
			t.Errorf("of ten are heard %v chunks, with a loss of %v; want about 300 of each, 0", got, loss)
		}
	})
}
