package call_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/simnet"
)

var errMissing = errors.New("no such device")

// A shop has devices of which the person chooses: "none", "lost", which is only
// missing when it is opened, and any other but "missing".
type shop struct {
	mu sync.Mutex

	// Guarded by mu.
	chosen map[string]string // by kind
	opened []string
	ear    *testSpeaker // opened last
}

func (s *shop) choose(_ context.Context, kind, name string) (undo func(), err error) {
	if name == "missing" {
		return nil, errMissing
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.chosen[kind]
	s.chosen[kind] = name
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.chosen[kind] = was
	}, nil
}

func (s *shop) open(kind string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := s.chosen[kind]
	switch name {
	case "none":
		return call.ErrNone
	case "lost":
		return errMissing
	}
	s.opened = append(s.opened, kind+" "+name)
	return nil
}

func (s *shop) stock(cfg *call.Config) {
	cfg.Choose = s.choose
	cfg.Camera = func(ctx context.Context) (media.VideoSource, error) {
		if err := s.open("camera"); err != nil {
			return nil, err
		}
		return newTestCamera(ctx)
	}
	cfg.Mic = func(ctx context.Context) (media.AudioSource, error) {
		if err := s.open("microphone"); err != nil {
			return nil, err
		}
		return newTestMic(ctx)
	}
	cfg.Speaker = func(context.Context) (media.AudioSink, error) {
		if err := s.open("speaker"); err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ear = newTestSpeaker()
		return s.ear, nil
	}
}

// did returns what was opened since the last call of it.
func (s *shop) did() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := strings.Join(s.opened, ", ")
	s.opened = nil
	return list
}

// now returns what is chosen, and the speaker that was opened last.
func (s *shop) now(kind string) (name string, ear *testSpeaker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.chosen[kind], s.ear
}

// TestUseDevice changes each device in the middle of a call: to another one, to one
// that is known to be missing, to one that turns out to be, to none, and back.
func TestUseDevice(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"camera", "microphone", "speaker"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.close()
				cfg, _ := w.person("ann", simnet.Link{})
				w.enter(cfg)
				cfg = w.guest("bob")
				s := &shop{chosen: map[string]string{"camera": "a", "microphone": "a", "speaker": "a"}}
				s.stock(&cfg)
				bob, _ := w.enter(cfg)
				time.Sleep(2 * time.Second)
				told(bob)
				s.did()
				for _, step := range []struct {
					name, told, opened string
					on                 bool
				}{
					{"b", "device " + kind + " b", kind + " b", true},
					{"missing", "device-lost " + kind + " no such device, device-back " + kind, "", true},
					{"lost", "device-lost " + kind + " no such device, device-back " + kind, kind + " b", true},
					{"none", "device " + kind + " none", "", false},
					{"missing", "device-lost " + kind + " no such device, device-back " + kind, "", false},
					{"lost", "device-lost " + kind + " no such device", "", false},
					{"c", "device " + kind + " c", kind + " c", true},
				} {
					if err := bob.UseDevice(kind, step.name); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second)
					list := ""
					for i, n := range told(bob) {
						if i > 0 {
							list += ", "
						}
						list += fmt.Sprintf("%v %s", n.Kind, n.Device)
						if n.Err != nil {
							list += " " + n.Err.Error()
						}
						if n.Text != "" {
							list += " " + n.Text
						}
					}
					opened := s.did()
					if list != step.told || opened != step.opened {
						t.Errorf("%s: told %q, opened %q; want %q, %q", step.name, list, opened, step.told, step.opened)
					}
					st := state(bob)
					if on := map[string]bool{"camera": st.Cam, "microphone": st.Mic, "speaker": st.Speaker}[kind]; on != step.on {
						t.Errorf("%s: open %v, want %v", step.name, on, step.on)
					}
				}
			})
		})
	}
}

// TestUseSpeakerAtOnce checks that the voices of the others go on without a gap.
func TestUseSpeakerAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		cfg, _ := w.person("ann", simnet.Link{})
		w.enter(cfg)
		cfg = w.guest("bob")
		s := &shop{chosen: map[string]string{"camera": "none", "microphone": "none", "speaker": "a"}}
		s.stock(&cfg)
		bob, _ := w.enter(cfg)
		time.Sleep(3 * time.Second)
		_, before := s.now("speaker")
		if err := bob.UseDevice("speaker", "b"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		_, ear := s.now("speaker")
		if loud, _ := ear.heard(); ear == before || loud < 95 {
			t.Errorf("another speaker %v, %d chunks of 100 are loud after the change", ear != before, loud)
		}
	})
}

// TestUseDeviceInstead chooses a device while the one before fails, and again and
// again.
func TestUseDeviceInstead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		cfg := w.guest("bob")
		s := &shop{chosen: map[string]string{"camera": "none", "microphone": "lost", "speaker": "none"}}
		s.stock(&cfg)
		bob, _ := w.enter(cfg)
		time.Sleep(time.Minute) // the pauses are long now
		wantTold(t, bob, "device-lost")
		for i := range 20 {
			if err := bob.UseDevice("microphone", fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(100 * time.Millisecond)
		if got, _ := s.now("microphone"); got != "19" || !state(bob).Mic {
			t.Errorf("microphone %q is chosen, open %v; want the last at once", got, state(bob).Mic)
		}
		for _, bad := range [][2]string{{"screen", "a"}, {"camera", ""}, {"", "a"}} {
			if err := bob.UseDevice(bad[0], bad[1]); err == nil {
				t.Errorf("UseDevice(%q, %q): no error", bad[0], bad[1])
			}
		}
		eve, _ := w.enter(w.guest("eve"))
		if err := eve.UseDevice("camera", "a"); err == nil {
			t.Error("UseDevice of a call without a choice: no error")
		}
	})
}
