package hub

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/rate"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// A narrow is a Direct whose path has room as the test says.
type narrow struct {
	benchConn
	weakest rate.Want // what goes
	asked   []rate.Want
}

func (n *narrow) Serve(transport.Peer) {}
func (n *narrow) Wake(*transport.Turn) {}
func (n *narrow) Allow(_ int, w rate.Want, _ time.Time) bool {
	n.asked = append(n.asked, w)
	return w <= n.weakest
}

// given returns the bodies of what m gives at time now.
func given(t *testing.T, m *member, now time.Time) string {
	t.Helper()
	var bodies []string
	var b [wire.MaxDatagram]byte
	for {
		n, more := m.Give(b[:], now)
		if n == 0 {
			if more {
				t.Error("a datagram does not fit")
			}
			return strings.Join(bodies, " ")
		}
		if s, err := wire.ParseSkip(b[:n]); err == nil {
			bodies = append(bodies, fmt.Sprintf("s%d:%d+%d", s.KID.Slot(), s.First, s.Count))
			continue
		}
		p, err := wire.ParsePacket(b[:n])
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(b[p.Header+8:n]))
	}
}

// TestWithhold follows what a member is sent as the room changes.
func TestWithhold(t *testing.T) {
	members := room(3)
	ann, bob := members[0], members[1]
	conn := &narrow{weakest: rate.Start}
	bob.direct = conn
	begin := time.Now()
	for _, m := range members {
		m.since = begin.Add(-time.Second)
	}
	for i, step := range []struct {
		ms    int
		room  rate.Want
		send  string // "2:7" is picture packet 7 of member 2, "k2:7" one of a key picture, "v2:7" voice, "n2:7" asks for 7 again
		got   string
		asked string
	}{
		{0, rate.Start, "0:1 2:1 v0:1", "v0:1 0:1 2:1", "000"},
		{50, rate.Start, "0:2 0:3", "0:2 0:3", ""},
		{100, rate.Urgent, "0:4 0:5 2:2 v0:2", "v0:2", ""},
		{150, rate.Start, "0:6 2:3", "", ""}, // there is room, but 300 ms are not over
		{200, rate.Start, "k2:4 2:5", "s2:2+2 2:4 2:5", ""},
		{250, rate.Next, "0:7 2:6", "2:6", ""},
		{401, rate.Next, "0:8 2:7", "2:7", ""}, // to start again there is not enough room
		{450, rate.Start, "0:9 0:10", "s0:4+5 0:9 0:10", ""},
		{500, rate.Start, "n0:3", "0:3", ""}, // it was lost
		{510, rate.Start, "n0:4 n0:8 n2:3", "", ""},
		{550, rate.Rest, "2:8 2:9", "", ""},
		{600, rate.Rest, "n2:7 n2:8", "", ""},
		{900, rate.Start, "2:10", "s2:8+2 2:10", ""},
		{950, rate.Next, "0:11 2:11", "0:11 2:11", ""},
		{1000, rate.Urgent, "0:12", "", ""},
		{1700, rate.Urgent, "0:13 0:14", "", ""},
		{2000, rate.Urgent, "0:15", "s0:12+4", ""}, // and nothing more
		{2050, rate.Urgent, "0:16", "", ""},
		{2100, rate.Start, "0:17", "s0:16+1 0:17", ""},
	} {
		now := begin.Add(time.Duration(step.ms) * time.Millisecond)
		conn.weakest = step.room
		for what := range strings.FieldsSeq(step.send) {
			var slot, ctr int
			text := strings.TrimLeft(what, "kvn")
			if _, err := fmt.Sscanf(text, "%d:%d", &slot, &ctr); err != nil {
				t.Fatal(err)
			}
			kind := wire.KindVideo
			switch what[0] {
			case 'n':
				bob.forward(lost(uint16(slot), uint64(ctr), 1).Append(nil), now, nil)
				continue
			case 'k':
				kind = wire.KindKey
			case 'v':
				kind, text = wire.KindVoice, what
			}
			members[slot].forward(sealed(uint16(slot), kind, uint64(ctr), text), now, nil)
		}
		if got := given(t, bob, now); got != step.got {
			t.Errorf("step %d, %q at %d ms with room for %d: sent %q, want %q", i, step.send, step.ms, step.room, got, step.got)
		}
		given(t, members[2], now)
		given(t, ann, now)
	}
	for reason, want := range map[dropReason]uint64{dropVideoWithheld: 3 + 2 + 1 + 1 + 2 + 1 + 5, dropNackWithheld: 3 + 1, dropVoiceWithheld: 0} {
		if got := bob.drops[reason].Load(); got != want {
			t.Errorf("dropped as %s: %d, want %d", reason, got, want)
		}
	}
	if ann.drops[dropVideoWithheld].Load() != 0 {
		t.Error("something was withheld from who has room")
	}
}

// TestWithholdWants checks how much each packet is wanted.
func TestWithholdWants(t *testing.T) {
	members := room(2)
	conn := &narrow{weakest: rate.Start}
	members[1].direct = conn
	now := time.Now()
	for i, step := range []struct {
		ms   int
		kind wire.Kind
		room rate.Want
		want rate.Want
	}{
		{0, wire.KindVideo, rate.Start, rate.Next},
		{1, wire.KindVideo, rate.Start, rate.Rest},
		{40, wire.KindVideo, rate.Rest, rate.Next},
		{41, wire.KindVideo, rate.Rest, rate.Left}, // of a picture that has not begun
		{80, wire.KindVideo, rate.Rest, rate.Left},
		{120, wire.KindKey, rate.Rest, rate.Start},
		{121, wire.KindKey, rate.Start, rate.Left},
		{160, wire.KindKey, rate.Start, rate.Start},
		{161, wire.KindKey, rate.Start, rate.Rest},
		{200, wire.KindVoice, rate.Start, rate.Urgent},
		{240, wire.KindControl, rate.Start, rate.Left + 1}, // is not asked for
	} {
		conn.weakest, conn.asked = step.room, nil
		at := now.Add(time.Duration(step.ms) * time.Millisecond)
		members[0].forward(sealed(0, step.kind, uint64(i), "x"), at, nil)
		given(t, members[1], at)
		switch {
		case step.want > rate.Left:
			if len(conn.asked) != 0 {
				t.Errorf("step %d: asked for %v, want nothing", i, conn.asked)
			}
		case len(conn.asked) != 1 || conn.asked[0] != step.want:
			t.Errorf("step %d: asked for %v, want %d", i, conn.asked, step.want)
		}
	}
	conn.weakest = rate.Urgent
	if members[0].forward(sealed(0, wire.KindVoice, 99, "x"), now, nil); given(t, members[1], now) != "x" {
		t.Error("voice does not go where only that may")
	}
}

// TestWithholdForgets checks that what is remembered of those who left is used for
// others.
func TestWithholdForgets(t *testing.T) {
	members := room(2)
	members[1].direct = &narrow{}
	now := time.Now()
	for i := range 1000 {
		now = now.Add(time.Second)
		p := wire.Packet{Clear: wire.NewClear(wire.KindVideo, 0), KID: lost(uint16(i), 0, 1).KID}
		if members[1].allows(found{n: 1, clear: p}, now) {
			t.Fatal("a picture goes where there is no room")
		}
	}
	if n := len(members[1].runs); n > 15 {
		t.Errorf("%d runs are remembered of 10 s, want 12", n)
	}
}

func TestWithholdAllocatesNothing(t *testing.T) {
	members := room(2)
	conn := &narrow{}
	members[1].direct = conn
	now := time.Now()
	ctr := uint64(0)
	var b [wire.MaxDatagram]byte
	p := sealed(0, wire.KindVideo, 1<<40, "x")
	once := func() {
		ctr++
		now = now.Add(20 * time.Millisecond)
		conn.weakest, conn.asked = rate.Want(ctr%4), conn.asked[:0]
		members[0].forward(p, now, nil)
		members[1].Give(b[:], now)
	}
	for range 2 * ringMax {
		once()
	}
	if n := testing.AllocsPerRun(500, once); n != 0 || members[1].drops[dropVideoWithheld].Load() == 0 {
		t.Errorf("a picture that goes or not allocates %v times", n)
	}
}

// TestSkipFits checks that what tells of a run and the packet after it go when there
// is room for them.
func TestSkipFits(t *testing.T) {
	members := room(2)
	conn := &narrow{weakest: rate.Start}
	members[1].direct = conn
	now := time.Now()
	var b [wire.MaxDatagram]byte
	conn.weakest = rate.Urgent
	members[0].forward(sealed(0, wire.KindVideo, 1, "one"), now, nil)
	given(t, members[1], now)
	conn.weakest = rate.Start
	now = now.Add(time.Second)
	members[0].forward(sealed(0, wire.KindVideo, 2, "two"), now, nil)
	conn.asked = nil
	for i, tt := range []struct {
		room, n int
		more    bool
	}{
		{wire.SkipSize - 1, 0, true},
		{wire.SkipSize, wire.SkipSize, false},
		{wire.SkipSize, 0, true},
		{len(b), len(sealed(0, wire.KindVideo, 2, "two")), false},
		{len(b), 0, false},
	} {
		if n, more := members[1].Give(b[:tt.room], now); n != tt.n || more != tt.more {
			t.Errorf("step %d: %d bytes, more: %v, want %d, %v", i, n, more, tt.n, tt.more)
		}
	}
	if len(conn.asked) != 1 {
		t.Errorf("asked %d times for one packet", len(conn.asked))
	}
}
