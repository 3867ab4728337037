package call_test

import (
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/simnet"
)

// loudness returns how many of the next 100 chunks that ear plays are loud.
func loudness(ear *testSpeaker) int {
	time.Sleep(200 * time.Millisecond)
	before, _ := ear.heard()
	time.Sleep(time.Second)
	after, _ := ear.heard()
	return after - before
}

// TestDeafened checks that who is deafened plays and says nothing, that the others
// see it, and that the microphone is as before when it ends.
func TestDeafened(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		ann, bob, ear := w.talkers(simnet.Link{}, simnet.Link{}, nil)
		check := func(when string, deaf, muted bool) {
			t.Helper()
			if n := loudness(ear); (n > 95) == deaf || n > 5 && deaf {
				t.Errorf("%s: %d chunks of 100 are loud", when, n)
			}
			if s := state(bob); bob.Deafened() != deaf || bob.Muted() != muted || s.Self.Deaf != deaf || s.Self.Muted != muted {
				t.Errorf("%s: deafened %v, muted %v, %+v", when, bob.Deafened(), bob.Muted(), s.Self)
			}
			if m := state(bob).Members[0]; !m.Speaking {
				t.Errorf("%s: ann does not seem to speak", when)
			}
			if m := state(ann).Members[0]; m.Deaf != deaf || m.Muted != muted || m.Speaking == muted {
				t.Errorf("%s: ann sees bob deaf %v, muted %v, speaking %v", when, m.Deaf, m.Muted, m.Speaking)
			}
		}
		check("muted at first", false, true)
		bob.SetDeafened(true)
		check("deafened", true, true)
		bob.SetDeafened(false)
		check("muted as before", false, true)
		bob.SetMuted(false)
		check("unmuted", false, false)
		bob.SetDeafened(true)
		check("deafened again", true, true)
		bob.SetDeafened(false)
		check("unmuted as before", false, false)
		bob.SetDeafened(true)
		check("deafened once more", true, true)
		bob.SetMuted(false)
		check("unmuted while deafened", false, false)
	})
}

// volumes remembers how loud people are to be.
type volumes struct {
	mu   sync.Mutex
	of   map[hello.Fingerprint]volume
	sets int
}

type volume struct {
	db    float64
	muted bool
}

func (v *volumes) Volume(who hello.Fingerprint) (db float64, muted, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	x, ok := v.of[who]
	return x.db, x.muted, ok
}

func (v *volumes) SetVolume(who hello.Fingerprint, db float64, muted bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.of[who] = volume{db, muted}
	v.sets++
}

// TestMutedHere checks that somebody can be silenced here, at any volume, and that
// this and the volume are there in the next call.
func TestMutedHere(t *testing.T) {
	t.Parallel()
	kept := &volumes{of: make(map[hello.Fingerprint]volume)}
	for again := range 2 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.close()
			cfg, _ := w.person("ann", simnet.Link{})
			cfg.Camera = nil
			w.enter(cfg)
			cfg, ear := w.person("bob", simnet.Link{})
			cfg.Camera, cfg.Volumes = nil, kept
			bob, _ := w.enter(cfg)
			time.Sleep(3 * time.Second)
			slot := state(bob).Members[0].Slot
			check := func(db float64, muted bool) {
				t.Helper()
				if n := loudness(ear); (n > 95) == muted || n > 5 && muted {
					t.Errorf("%d chunks of 100 are loud", n)
				}
				m := state(bob).Members[0]
				if m.MutedHere != muted || m.Volume != db || !m.Speaking {
					t.Errorf("muted here %v, volume %v dB, speaking %v; want %v, %v, true", m.MutedHere, m.Volume, m.Speaking, muted, db)
				}
				if gotDB, gotMuted, _ := kept.Volume(m.Fingerprint); gotDB != db || gotMuted != muted {
					t.Errorf("%v dB, muted %v is remembered, want %v, %v", gotDB, gotMuted, db, muted)
				}
			}
			if again == 0 {
				bob.SetMemberMuted(slot, true)
				check(0, true)
				bob.SetVolume(slot, 6)
				check(6, true)
			} else {
				check(6, true)
				bob.SetMemberMuted(slot, false)
				check(6, false)
			}
			if bob.SetMemberMuted(slot+7, true) {
				t.Error("nobody could be silenced")
			}
		})
	}
	if kept.sets != 3 {
		t.Errorf("%d changes are stored, want 3", kept.sets)
	}
}

// TestVolumesOfAFile checks that what is remembered may be anything.
func TestVolumesOfAFile(t *testing.T) {
	for _, test := range []struct{ db, want float64 }{{math.NaN(), 0}, {math.Inf(1), call.MaxVolume}, {-1000, call.MinVolume}} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.close()
			cfg := w.guest("ann")
			kept := &volumes{of: map[hello.Fingerprint]volume{cfg.Identity.Fingerprint(): {db: test.db}}}
			w.enter(cfg)
			cfg = w.guest("bob")
			cfg.Volumes = kept
			bob, _ := w.enter(cfg)
			time.Sleep(time.Second)
			if got := state(bob).Members[0].Volume; got != test.want {
				t.Errorf("%v dB of a file are %v, want %v", test.db, got, test.want)
			}
		})
	}
}
