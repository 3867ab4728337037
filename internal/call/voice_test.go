package call_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/simnet"
)

// talkers has ann hum over a link to bob, who hears her over another one.
func (w *world) talkers(up, down simnet.Link, change func(*call.Config)) (ann, bob *call.Call, ear *testSpeaker) {
	w.t.Helper()
	cfg, _ := w.person("ann", up)
	cfg.Camera = nil // it takes most of the time of a test
	if change != nil {
		change(&cfg)
	}
	ann, _ = w.enter(cfg)
	cfg, ear = w.person("bob", simnet.Link{})
	cfg.Dial = w.dial(simnet.Link{}, down)
	cfg.Muted, cfg.Camera = true, nil
	bob, _ = w.enter(cfg)
	time.Sleep(3 * time.Second)
	if s := state(bob); len(s.Members) != 1 || !s.Members[0].Present {
		w.t.Fatalf("bob sees %+v", s.Members)
	}
	return ann, bob, ear
}

// TestHeldToTalk checks that a muted member is heard while a key is held, and
// from a little before.
func TestHeldToTalk(t *testing.T) {
	t.Parallel()
	for _, low := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.close()
			ann, bob, ear := w.talkers(simnet.Link{}, simnet.Link{Delay: 20 * time.Millisecond}, func(c *call.Config) {
				c.Muted, c.LowLatency = true, low
			})
			before, _ := ear.heard()
			for range 3 {
				if s := state(bob).Members[0]; !s.Muted || s.Speaking {
					t.Fatalf("low latency %v: bob sees ann muted %v, speaking %v", low, s.Muted, s.Speaking)
				}
				ann.SetTalking(true)
				time.Sleep(500 * time.Millisecond)
				if s := state(bob).Members[0]; s.Muted || !s.Speaking {
					t.Errorf("low latency %v: bob sees ann muted %v, speaking %v; want her speaking", low, s.Muted, s.Speaking)
				}
				time.Sleep(500 * time.Millisecond)
				ann.SetTalking(false)
				time.Sleep(2 * time.Second)
			}
			after, _ := ear.heard()
			// Without what was before it is about 302. Some of it is made up after
			// the last packet, and fades.
			if got := after - before; got < 309 || got > 345 {
				t.Errorf("low latency %v: bob heard %d chunks of three times 1 s and what was before, want 309 to 345", low, got)
			}
		})
	}
}

// TestLossyVoice checks that losses are healed by copies, and that these end
// with the losses.
func TestLossyVoice(t *testing.T) {
	t.Parallel()
	for _, low := range []bool{false, true} {
		if low && testing.Short() {
			break
		}
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.close()
			lossy := simnet.Link{Delay: 20 * time.Millisecond, Jitter: 15 * time.Millisecond, Loss: 0.1}
			_, bob, _ := w.talkers(simnet.Link{}, lossy, func(c *call.Config) { c.LowLatency = low })
			time.Sleep(5 * time.Second)
			before := state(bob).Members[0]
			time.Sleep(20 * time.Second)
			after := state(bob).Members[0]
			played := after.VoicePlayed - before.VoicePlayed
			madeUp := after.VoiceConcealed - before.VoiceConcealed
			healed := after.VoiceRepeated + after.VoiceRestored - before.VoiceRepeated - before.VoiceRestored
			if madeUp*50 > played || healed*20 < played {
				t.Errorf("low latency %v: of %d packets %d are made up and %d healed, want at most 2 %% and at least 5 %%", low, played, madeUp, healed)
			}
			if after.Voice > 200*time.Millisecond {
				t.Errorf("low latency %v: the voice is %v late, want at most 200ms", low, after.Voice)
			}
		})
	}
}

// TestSlowLinkGetsLess checks that a member whose packets queue up is sent
// fewer bytes of voice.
func TestSlowLinkGetsLess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		slow := simnet.Link{Delay: 20 * time.Millisecond, Rate: 34_000, Queue: 400 * time.Millisecond}
		_, bob, _ := w.talkers(simnet.Link{}, slow, nil)
		time.Sleep(20 * time.Second)
		before := state(bob).Members[0]
		time.Sleep(10 * time.Second)
		after := state(bob).Members[0]
		if made := after.VoiceConcealed - before.VoiceConcealed; made > 30 || after.Voice > 250*time.Millisecond {
			t.Errorf("%d packets are made up in 10 s, and the voice is %v late; want at most 30, 250ms", made, after.Voice)
		}
	})
}

// TestLips checks that picture and voice stay together where the voice has to
// wait for late packets.
func TestLips(t *testing.T) {
	t.Parallel()
	links := []simnet.Link{
		{Delay: 20 * time.Millisecond, Jitter: 60 * time.Millisecond},
		{Delay: 20 * time.Millisecond},
		{Delay: 20 * time.Millisecond, Jitter: 60 * time.Millisecond, Loss: 0.1},
	}
	if testing.Short() {
		links = links[:1]
	}
	for _, link := range links {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.close()
			_, bob, _ := w.talkers(simnet.Link{}, link, func(c *call.Config) { c.Camera = newTestCamera })
			time.Sleep(5 * time.Second)
			const looks = 200
			apart, pictures := 0, state(bob).Members[0].Pictures
			for range looks {
				time.Sleep(50 * time.Millisecond)
				if l := state(bob).Members[0].Lips; l > 80*time.Millisecond || l < -80*time.Millisecond {
					apart++
				}
			}
			s := state(bob).Members[0]
			if s.Lips == 0 || apart > looks/50 {
				t.Errorf("%+v: %d times of %d more than 80ms apart, now by %v", link, apart, looks, s.Lips)
			}
			if n := s.Pictures - pictures; n < 90 {
				t.Errorf("%+v: %d pictures in 10 s", link, n)
			}
		})
	}
}

// TestVolume checks that somebody can be turned down, off and up, and stays so
// when they come back.
func TestVolume(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		_, bob, ear := w.talkers(simnet.Link{}, simnet.Link{}, nil)
		// loud returns how many of the next 100 chunks are.
		loud := func() int {
			time.Sleep(200 * time.Millisecond)
			before, _ := ear.heard()
			time.Sleep(time.Second)
			after, _ := ear.heard()
			return after - before
		}
		slot := state(bob).Members[0].Slot
		for _, test := range []struct {
			db   float64
			loud bool
		}{{0, true}, {-30, false}, {6, true}, {call.MinVolume, false}, {-6, true}, {-1000, false}, {1000, true}} {
			if !bob.SetVolume(slot, test.db) {
				t.Fatal("nobody is there")
			}
			if n := loud(); (n > 95) != test.loud || n > 5 && !test.loud {
				t.Errorf("at %v dB %d chunks of 100 are loud", test.db, n)
			}
			if s := state(bob).Members[0]; !s.Speaking {
				t.Errorf("at %v dB ann does not seem to speak", test.db)
			}
		}
		if bob.SetVolume(slot+1, 0) {
			t.Error("nobody could be made louder")
		}
	})
}

// TestThinLink checks that a voice gets through a link that is too slow for
// pictures beside it: they become small and few, and end.
func TestThinLink(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("pictures of 50 s are coded, which takes half a minute with the race detector")
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		_, bob, ear := w.talkers(simnet.Link{}, simnet.Link{Delay: 20 * time.Millisecond, Rate: 36_000}, func(c *call.Config) {
			c.Camera = newTestCamera
			c.Width, c.Height, c.FPS = 320, 240, 30
		})
		for at := range 5 {
			before, all := ear.heard()
			time.Sleep(10 * time.Second)
			loud, chunks := ear.heard()
			m := state(bob).Members[0]
			got := float64(loud-before) / float64(chunks-all)
			t.Logf("%d s: %.3f of the voice is heard, after %v; %d pictures so far", 10*at, got, m.Voice, m.Pictures)
			// Now and then a small picture is tried again. Without all this it is 0.84
			// after 360 ms.
			if at > 0 && (got < 0.87 || m.Voice > 250*time.Millisecond) {
				t.Errorf("after %d s %.3f of the voice is heard, after %v; want 0.87 and less than 250ms", 10*at, got, m.Voice)
			}
		}
	})
}

// TestThinCall checks that a call of two fits a line of 33.6 kbit/s when one of
// them asks for it: both send little, and voice and pictures arrive. What counts
// here is without the heads of IP and of the hop, which are 60 bytes of a packet.
func TestThinCall(t *testing.T) {
	t.Parallel()
	for _, both := range []bool{false, true} {
		if both && testing.Short() {
			break
		}
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.close()
			line := simnet.Link{Delay: 20 * time.Millisecond, Rate: 24_000, Queue: time.Second}
			ann, bob, ear := w.talkers(line, line, func(c *call.Config) {
				c.Camera, c.Thin = newTestCamera, true
			})
			if both {
				ann.SetMuted(false)
			}
			time.Sleep(5 * time.Second)
			before, all := ear.heard()
			m := state(bob).Members[0]
			time.Sleep(20 * time.Second)
			loud, chunks := ear.heard()
			after := state(bob).Members[0]
			if got := float64(loud-before) / float64(chunks-all); got < 0.98 {
				t.Errorf("%.3f of the voice is heard", got)
			}
			if after.Voice > 300*time.Millisecond || after.Voice-m.Voice > 60*time.Millisecond {
				t.Errorf("the voice is %v late, and was %v", after.Voice, m.Voice)
			}
			if n := after.Pictures - m.Pictures; n < 60 || n > 110 {
				t.Errorf("%d pictures in 20 s, want about 5 a second", n)
			}
			if after.Width > 60 || after.Height > 40 {
				t.Errorf("pictures of %dx%d", after.Width, after.Height)
			}
		})
	}
}

// TestThinForAll checks that who has a good link sends little to who has not.
func TestThinForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		ann, _, ear := w.talkers(simnet.Link{}, simnet.Link{}, nil)
		sent := func() float64 { time.Sleep(3 * time.Second); return state(ann).Link.Up }
		much := sent()
		cfg, _ := w.person("mod", simnet.Link{})
		cfg.Muted, cfg.Camera, cfg.Thin = true, nil, true
		ctx, leave := context.WithCancel(w.ctx)
		w.enterUntil(ctx, cfg)
		time.Sleep(5 * time.Second)
		little := sent()
		if little > 0.65*much {
			t.Errorf("ann sends %.1f kB/s, and sent %.1f before", little, much)
		}
		before, all := ear.heard()
		time.Sleep(5 * time.Second)
		loud, chunks := ear.heard()
		if got := float64(loud-before) / float64(chunks-all); got < 0.98 {
			t.Errorf("bob hears %.3f of the voice", got)
		}
		leave()
		time.Sleep(10 * time.Second)
		if again := sent(); again < 0.9*much {
			t.Errorf("ann sends %.1f kB/s after that, and %.1f before", again, much)
		}
	})
}
