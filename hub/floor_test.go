package hub

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/wire"
)

// voice returns a voice packet.
func voice(slot uint16, quiet bool, ctr uint64) []byte {
	layer := uint8(0)
	if quiet {
		layer = wire.LayerQuiet
	}
	b := []byte{byte(wire.NewClear(wire.KindVoice, layer))}
	b = sframe.AppendHeader(b, uint64(sframe.NewKID(slot, sframe.StreamVoice, 0, 0)), ctr)
	return append(b, "sealed"...)
}

// spokenTo returns what m is sent: "3:7" for packet 7 of the member in slot 3, and
// "3 skips 5+2" for two packets from 5 on that it is not.
func spokenTo(t *testing.T, m *member, now time.Time) (list []string) {
	t.Helper()
	var b [wire.MaxDatagram]byte
	for {
		n, _ := m.Give(b[:], now)
		if n == 0 {
			return list
		}
		if wire.IsSkip(b[:n]) {
			s, err := wire.ParseSkip(b[:n])
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, fmt.Sprintf("%d skips %d+%d", s.KID.Slot(), s.First, s.Count))
			continue
		}
		p, err := wire.ParsePacket(b[:n])
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%d:%d", p.KID.Slot(), p.CTR))
	}
}

// TestFloor has members of a session speak and listens to the last of them.
func TestFloor(t *testing.T) {
	const quiet, speaks, pause = true, false, 100
	type step struct {
		slot  int // or pause
		quiet bool
		ctr   uint64
	}
	all := func(n int, quiet bool, ctr uint64) (list []step) {
		for i := range n {
			list = append(list, step{i, quiet, ctr})
		}
		return list
	}
	for _, tt := range []struct {
		name    string
		members int
		steps   []step
		want    []string
		drops   [2]uint64 // quiet, floor
	}{
		{"few", wire.FloorFrom, []step{{0, quiet, 1}, {1, speaks, 1}}, []string{"0:1", "1:1"}, [2]uint64{}},
		{"quiet", 12, []step{{0, quiet, 1}, {0, quiet, 2}}, nil, [2]uint64{2, 0}},
		{"begins", 12, []step{{0, quiet, 1}, {0, quiet, 2}, {0, speaks, 3}, {0, speaks, 4}}, []string{"0 skips 1+2", "0:3", "0:4"}, [2]uint64{2, 0}},
		{"ends", 12, []step{{0, speaks, 1}, {0, quiet, 2}, {0, speaks, 3}}, []string{"0:1", "0 skips 2+1", "0:3"}, [2]uint64{1, 0}},
		{"two at once", 12, []step{{0, speaks, 1}, {1, speaks, 1}, {0, speaks, 2}, {1, speaks, 2}}, []string{"0:1", "1:1", "0:2", "1:2"}, [2]uint64{}},
		{
			"too many", 12, append(all(8, speaks, 1), all(8, speaks, 2)...),
			[]string{"0:1", "1:1", "2:1", "3:1", "4:1", "5:1", "0:2", "1:2", "2:2", "3:2", "4:2", "5:2"},
			[2]uint64{0, 4},
		},
		{
			"the next one", 12, append(all(7, speaks, 1), step{2, quiet, 2}, step{6, speaks, 2}),
			[]string{"0:1", "1:1", "2:1", "3:1", "4:1", "5:1", "6 skips 1+1", "6:2"},
			[2]uint64{1, 1},
		},
		{
			"who is gone", 12, append(all(7, speaks, 1), step{slot: pause}, step{6, speaks, 2}, step{0, speaks, 2}),
			[]string{"0:1", "1:1", "2:1", "3:1", "4:1", "5:1", "6 skips 1+1", "6:2", "0:2"},
			[2]uint64{0, 1},
		},
	} {
		members := room(tt.members)
		now := time.Unix(1000, 0)
		last := members[tt.members-1]
		var got []string
		for _, s := range tt.steps {
			if s.slot == pause {
				now = now.Add(floorTime)
				continue
			}
			members[s.slot].forward(voice(uint16(s.slot), s.quiet, s.ctr), now, nil)
			got = append(got, spokenTo(t, last, now)...)
			now = now.Add(time.Millisecond)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		var drops [2]uint64
		for _, m := range members {
			drops[0] += m.drops[dropQuiet].Load()
			drops[1] += m.drops[dropFloor].Load()
		}
		if drops != tt.drops {
			t.Errorf("%s: %v left out as quiet and for want of room, want %v", tt.name, drops, tt.drops)
		}
	}
}

// Another key of the sender counts anew, so that a run from before says nothing.
func TestFloorForgetsOtherKeys(t *testing.T) {
	members := room(12)
	now := time.Unix(1000, 0)
	members[0].forward(voice(0, true, 7), now, nil)
	b := []byte{byte(wire.NewClear(wire.KindVoice, 0))}
	b = sframe.AppendHeader(b, uint64(sframe.NewKID(0, sframe.StreamVoice, 1, 0)), 1)
	members[0].forward(append(b, "sealed"...), now, nil)
	if got := spokenTo(t, members[11], now); !slices.Equal(got, []string{"0:1"}) {
		t.Errorf("after another key %q", got)
	}
}

// Who listens costs nothing: no allocation for a packet, forwarded or not.
func TestFloorAllocatesNothing(t *testing.T) {
	members := room(12)
	now := time.Now()
	quiet, speaks := voice(0, true, 1), voice(0, false, 2)
	var b [wire.MaxDatagram]byte
	once := func() {
		members[0].sendMeters = noLimit
		now = now.Add(time.Millisecond)
		members[0].forward(quiet, now, nil)
		members[0].forward(speaks, now, nil)
		for _, m := range members {
			for n := 1; n > 0; {
				n, _ = m.Give(b[:], now)
			}
		}
	}
	for range 2 * ringMax {
		once()
	}
	if n := testing.AllocsPerRun(100, once); n != 0 {
		t.Errorf("a quiet packet and another allocate %v times", n)
	}
}
