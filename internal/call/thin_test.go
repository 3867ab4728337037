package call_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/simnet"
)

// TestSlowLinkIsFound has one of two behind a line of 33.6 kbit/s who does
// not say so, in one direction or the other: that is found, the voice comes in time
// from then on, and pictures come too.
func TestSlowLinkIsFound(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("pictures of 90 s are coded, which takes a minute and a half with the race detector")
	}
	modem := simnet.Link{Delay: 30 * time.Millisecond, Rate: 33_600, Queue: time.Second}
	wide := simnet.Link{Delay: 30 * time.Millisecond}
	for _, tt := range []struct {
		name     string
		up, down simnet.Link
		want     bool
	}{
		{"to the hub", modem, wide, true},
		{"from the hub", wide, modem, true},
		{"neither", wide, wide, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.close()
				cfg, _ := w.person("ann", wide)
				ann, _ := w.enter(cfg)
				cfg, _ = w.person("bob", wide)
				cfg.Dial = w.dial(tt.up, tt.down)
				bob, _ := w.enter(cfg)

				found, before := false, time.Now()
				for !found && time.Since(before) < 15*time.Second {
					select {
					case n := <-bob.Notices():
						found = n.Kind == call.SlowLink
					case <-time.After(time.Second):
					}
				}
				if found != tt.want {
					t.Fatalf("found slow: %v, want %v", found, tt.want)
				}
				if !found {
					return
				}
				time.Sleep(15 * time.Second)
				a, b := state(ann).Members[0], state(bob).Members[0]
				time.Sleep(10 * time.Second)
				a2, b2 := state(ann).Members[0], state(bob).Members[0]
				for _, x := range []struct {
					who   string
					m, m2 call.Member
				}{{"ann", a, a2}, {"bob", b, b2}} {
					played, pictures := x.m2.VoicePlayed-x.m.VoicePlayed, x.m2.Pictures-x.m.Pictures
					if played < 980 || x.m2.Voice > 600*time.Millisecond || pictures < 20 {
						t.Errorf("%s hears %d of 1000 chunks, %v after it was said, and sees %d pictures", x.who, played, x.m2.Voice, pictures)
					}
				}
			})
		})
	}
}
