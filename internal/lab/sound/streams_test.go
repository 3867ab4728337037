package sound

import (
	"slices"
	"testing"

	"github.com/sanix-darker/s2c/pulse"
)

// TestStreams opens a stream in each direction and looks for it, and changes the
// devices as a person does.
func TestStreams(t *testing.T) {
	for _, kind := range Kinds {
		t.Run(string(kind), func(t *testing.T) {
			s := ForTest(t, kind)
			m, err := pulse.OpenMic(t.Context(), pulse.Config{Server: s.Address(), Device: Mic})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			p, err := pulse.OpenSpeaker(t.Context(), pulse.Config{Server: s.Address(), Device: Room})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if _, err := m.Read(make([]int16, 960)); err != nil { // then it is linked
				t.Fatal(err)
			}
			for d, want := range map[Direction]string{FromMics: Mic, ToSpeakers: Room} {
				list, err := s.Streams(d)
				if err != nil || !slices.ContainsFunc(list, func(s Stream) bool { return s.Client == "s2c" && s.Device == want }) {
					t.Errorf("Streams(%d) = %+v, %v, want one of s2c with %s", d, list, err, want)
				}
			}
		})
	}
}

// TestRestart makes sure that a server comes back where it was.
func TestRestart(t *testing.T) {
	for _, kind := range Kinds {
		t.Run(string(kind), func(t *testing.T) {
			s := ForTest(t, kind)
			if err := s.Restart(); err == nil {
				t.Error("a server that runs was started again")
			}
			s.Kill()
			if err := s.Restart(); err != nil {
				t.Fatal(err)
			}
			if list, err := s.Modules(); err != nil || len(list) == 0 {
				t.Errorf("Modules() = %q, %v", list, err)
			}
		})
	}
}

func TestBabble(t *testing.T) {
	a, b, other := make([]int16, rate), make([]int16, rate), make([]int16, rate)
	newBabble(1).read(a)
	newBabble(1).read(b)
	newBabble(2).read(other)
	if !slices.Equal(a, b) || slices.Equal(a, other) {
		t.Error("a voice is not a function of its seed")
	}
	loud := 0
	for _, v := range a {
		if v > 1000 || v < -1000 {
			loud++
		}
	}
	if loud < rate/4 {
		t.Errorf("%d of %d samples are loud, want a quarter at least", loud, rate)
	}
}
