package call

import (
	"math"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/wire"
)

// crowd returns n members who have said nothing.
func crowd(t *testing.T, n int) []*member {
	t.Helper()
	list := make([]*member, n)
	for i := range list {
		list[i] = newMember(t.Context(), cipher.Peer{Slot: uint16(i)}, hearing{})
	}
	return list
}

func heard(members []*member) (slots []int) {
	for _, m := range members {
		if m.heardNow {
			slots = append(slots, int(m.slot))
		}
	}
	return slots
}

func TestFewAreAllHeard(t *testing.T) {
	members := crowd(t, maxHeard)
	var h chooser
	h.choose(members, time.Unix(1e9, 0))
	if got := heard(members); len(got) != maxHeard {
		t.Errorf("of %d members %v are heard", maxHeard, got)
	}
}

func TestLoudestAreHeard(t *testing.T) {
	members := crowd(t, 40)
	now := time.Unix(1e9, 0)
	var h chooser
	// say lets those in the given slots speak at a level, and the others be there.
	say := func(level uint8, slots ...int) {
		t.Helper()
		for _, m := range members {
			m.said.take(&wire.Voice{Level: 90}, now)
		}
		for _, s := range slots {
			members[s].said.take(&wire.Voice{Level: level, Speaking: true}, now)
		}
	}
	hears := func(want ...int) {
		t.Helper()
		h.choose(members, now)
		if n := len(heard(members)); n != maxHeard {
			t.Errorf("%d are heard, want %d", n, maxHeard)
		}
		for _, s := range want {
			if !members[s].heardNow {
				t.Errorf("slot %d is not heard but %v", s, heard(members))
			}
		}
	}
	say(30, 35)
	hears(35) // whoever else
	now = now.Add(10 * time.Millisecond)
	say(30, 35, 7)
	hears(35, 7) // at once, from the first chunk
	now = now.Add(time.Second)
	say(30, 1, 2, 3, 4, 5, 6)
	hears(1, 2, 3, 4, 5, 6)
	// Somebody who is a little louder does not take the place of one of them, nor
	// one who is much louder at once.
	now = now.Add(stayTime / 2)
	say(30, 1, 2, 3, 4, 5, 6)
	members[20].said.take(&wire.Voice{Level: 5, Speaking: true}, now)
	hears(1, 2, 3, 4, 5, 6)
	now = now.Add(stayTime)
	say(30, 1, 2, 3, 4, 5, 6)
	members[20].said.take(&wire.Voice{Level: 27, Speaking: true}, now)
	hears(1, 2, 3, 4, 5, 6)
	now = now.Add(stayTime)
	say(30, 1, 2, 3, 4, 5, 6)
	members[20].said.take(&wire.Voice{Level: 20, Speaking: true}, now)
	hears(20)
	// Whom the person has turned off takes nobody's place.
	members[20].setHearing(hearing{db: MinVolume})
	now = now.Add(stayTime)
	say(30, 1, 2, 3, 4, 5, 6)
	members[20].said.take(&wire.Voice{Level: 1, Speaking: true}, now)
	hears(1, 2, 3, 4, 5, 6)
	// Nor who has stopped to send.
	now = now.Add(saidTime + time.Millisecond)
	members[12].said.take(&wire.Voice{Level: 60}, now)
	hears(12)
}

func TestChooserAllocs(t *testing.T) {
	members := crowd(t, 500)
	now := time.Unix(1e9, 0)
	for i, m := range members {
		m.said.take(&wire.Voice{Level: uint8(i % 100), Speaking: i%3 == 0}, now)
	}
	var h chooser
	if n := testing.AllocsPerRun(20, func() { h.choose(members, now) }); n != 0 {
		t.Errorf("choosing allocates %v times", n)
	}
}

func BenchmarkChoose(b *testing.B) {
	members := make([]*member, 500)
	now := time.Unix(1e9, 0)
	for i := range members {
		members[i] = newMember(b.Context(), cipher.Peer{Slot: uint16(i)}, hearing{})
		members[i].said.take(&wire.Voice{Level: uint8(i % 100), Speaking: i%3 == 0}, now)
	}
	var h chooser
	b.ReportAllocs()
	for b.Loop() {
		h.choose(members, now)
	}
}

func TestClipped(t *testing.T) {
	tests := []struct {
		amplitude int
		want      bool
	}{{0, false}, {10_000, false}, {32_000, false}, {32_767, true}, {60_000, true}}
	for _, test := range tests {
		var c media.Chunk
		for i := range c.PCM {
			x := float64(test.amplitude) * math.Sin(2*math.Pi*200*float64(i)/media.SampleRate)
			c.PCM[i] = int16(min(max(x, -32768), 32767))
		}
		if got := clipped(&c); got != test.want {
			t.Errorf("a tone of %d is too loud: %v, want %v", test.amplitude, got, test.want)
		}
	}
}
