package call

import (
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher"
)

// TestThinLine sends voice with a part of a picture wherever it may, over a line of
// exactly thinTakes: no voice packet waits for pictures for longer than it may, and
// as many of them go as there is room for.
func TestThinLine(t *testing.T) {
	const voice, part = 120, 130 // bytes, sealed
	var l thinLine
	start := time.Unix(100, 0)
	free := start // when the line is
	worst, parts := time.Duration(0), 0
	const packets = 500
	for i := range packets {
		now := start.Add(time.Duration(i) * 60 * time.Millisecond)
		list := [][]byte{make([]byte, voice)}
		if l.wait(part-cipher.Overhead, now) == 0 {
			list = append(list, make([]byte, part))
			parts++
		}
		l.sent(list, now)
		size := thinHead
		for _, b := range list {
			size += 3 + len(b)
		}
		if free.Before(now) {
			free = now
		}
		free = free.Add(time.Duration(size) * 8 * time.Second / thinTakes)
		alone := time.Duration(thinHead+3+voice) * 8 * time.Second / thinTakes
		worst = max(worst, free.Sub(now)-alone)
	}
	// 30 of 225 bytes are free every 60 ms, of which a part takes 133.
	if worst > thinHold || parts < packets*30/133 {
		t.Errorf("voice waits for up to %v, and %d parts go; want at most %v, and %d", worst, parts, thinHold, packets*30/133)
	}
}

// TestThinLineWaits holds for how long a part waits for room.
func TestThinLineWaits(t *testing.T) {
	now := time.Unix(100, 0)
	const most = int(thinHold * thinTakes / 8 / time.Second)
	for _, tt := range []struct {
		name string
		sent int // bytes of a datagram; 0 for none
		ago  time.Duration
		n    int // of the part
		want time.Duration
	}{
		{"an idle line", 0, 0, 150, 0},
		{"one that was", 1000, time.Second, 150, 0},
		{"voice at the same time", 76, 0, most - thinSeal - 150, 0}, // 150 bytes in all
		{"and a byte too much", 76, 0, most - thinSeal - 149, 8 * time.Second / thinTakes},
		{"too large, on an idle line", 0, 0, 1100, 0},
		{"too large, after voice", 76, 0, 1100, 150 * 8 * time.Second / thinTakes},
		{"after more than can be owed", 1 << 20, 0, most - thinSeal, time.Second},
	} {
		var l thinLine
		if tt.sent > 0 {
			l.sent([][]byte{make([]byte, tt.sent)}, now.Add(-tt.ago))
		}
		if got := l.wait(tt.n, now); (got - tt.want).Abs() > time.Microsecond {
			t.Errorf("%s: %d bytes wait for %v, want %v", tt.name, tt.n, got, tt.want)
		}
	}
	var l thinLine
	if l.sent(nil, now); l != (thinLine{}) {
		t.Errorf("without a datagram there was a packet: %+v", l)
	}
}

// TestShelf holds which parts are taken, and that next tells their sizes.
func TestShelf(t *testing.T) {
	var s shelf
	now := time.Unix(100, 0)
	for i := range maxPictureParts + 1 { // the first has to go
		p := payload{n: 10 + i}
		s.put(&p, now.Add(time.Duration(i)*time.Second))
	}
	at := now.Add(shelfTime + 2*time.Second + 1) // number 2 is too old by then
	for want := 13; want < 10+maxPictureParts+1; want++ {
		if n := s.next(at); n != want {
			t.Fatalf("the next has %d bytes, want %d", n, want)
		}
		if p := s.take(at); p == nil || p.n != want {
			t.Fatalf("took %v, want %d bytes", p, want)
		}
	}
	if n := s.next(at); n != 0 || s.take(at) != nil {
		t.Errorf("an empty shelf has one of %d bytes", n)
	}
}

// TestIsHeard holds who is worth to speak to.
func TestIsHeard(t *testing.T) {
	var c Call
	met, only := &member{nick: "ann"}, &member{}
	for _, tt := range []struct {
		thin    bool
		members []*member
		want    bool
	}{
		{false, nil, false},
		{false, []*member{only}, true},
		{true, nil, false},
		{true, []*member{only}, false},
		{true, []*member{only, met}, true},
	} {
		c.thin.Store(tt.thin)
		if got := c.isHeard(tt.members); got != tt.want {
			t.Errorf("thin %v, %d members: heard %v, want %v", tt.thin, len(tt.members), got, tt.want)
		}
	}
}
