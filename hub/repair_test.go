package hub

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/wire"
)

// lost returns a Nack for packets of the member in a slot, as sealed makes
// them.
func lost(slot uint16, first, bits uint64) wire.Nack {
	return wire.Nack{KID: sframe.NewKID(slot, sframe.StreamVideo, 0, 0), First: first, Bits: bits}
}

// queued returns the bodies of what waits for m, and takes it.
func queued(t *testing.T, m *member, now time.Time) (bodies []string) {
	t.Helper()
	var b [wire.MaxDatagram]byte
	for {
		tk, ok := m.queue.Pop(now)
		if !ok {
			return bodies
		}
		f, ok := tk.ring.get(tk.number, b[:])
		if !ok {
			t.Fatal("a ticket without a packet")
		}
		p, err := wire.ParsePacket(b[:f.n])
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(b[p.Header+8:f.n]))
	}
}

func TestRepair(t *testing.T) {
	begin := time.Now()
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	tests := []struct {
		name  string
		nack  wire.Nack
		from  int // who asks, of three; member 0 has sent the packets 10 to 39
		ms    int // when
		want  string
		drops map[dropReason]uint64
	}{
		{name: "one", nack: lost(0, 12, 1), from: 1, want: "12"},
		{name: "some, in their order", nack: lost(0, 12, 0b10011), from: 1, want: "12 13 16"},
		{name: "a key picture", nack: lost(0, 20, 1), from: 1, want: "20"},
		{name: "voice is too late", nack: lost(0, 30, 0b11), from: 1, want: "31", drops: map[dropReason]uint64{dropNackExpired: 1}},
		{name: "not sent yet", nack: lost(0, 39, 0b11), from: 1, want: "39", drops: map[dropReason]uint64{dropNackExpired: 1}},
		{name: "too far from the first", nack: lost(0, 0, 1), from: 1, drops: map[dropReason]uint64{dropNackExpired: 1}},
		{name: "of another key", nack: wire.Nack{KID: sframe.NewKID(0, sframe.StreamVideo, 1, 0), First: 12, Bits: 1}, from: 1, drops: map[dropReason]uint64{dropNackExpired: 1}},
		{name: "of nobody", nack: lost(7, 12, 0b111), from: 1, drops: map[dropReason]uint64{dropNackStranger: 3}},
		{name: "of the member itself", nack: lost(0, 12, 1), from: 0, drops: map[dropReason]uint64{dropNackStranger: 1}},
		{name: "who came in the middle, from then on", nack: lost(0, 18, 0b1111), from: 2, want: "20 21", drops: map[dropReason]uint64{dropNackExpired: 2}},
	}
	for _, test := range tests {
		members := room(3)
		for i, m := range members {
			m.since = at(0)
			if i == 2 {
				m.since = at(191)
			}
		}
		for i := 10; i < 40; i++ {
			kind := wire.KindVideo
			switch i {
			case 20:
				kind = wire.KindKey
			case 30:
				kind = wire.KindVoice
			}
			members[0].forward(sealed(0, kind, uint64(i), fmt.Sprint(i)), at(10*i), nil)
		}
		for _, m := range members {
			queued(t, m, at(400))
		}
		m := members[test.from]
		m.forward(test.nack.Append(nil), at(400), nil)
		for i, o := range members {
			want := ""
			if i == test.from {
				want = test.want
			}
			if got := strings.Join(queued(t, o, at(400)), " "); got != want {
				t.Errorf("%s: %+v: member %d receives %q, want %q", test.name, test.nack, i, got, want)
			}
		}
		for r := range m.drops {
			if got := m.drops[r].Load(); got != test.drops[dropReason(r)] {
				t.Errorf("%s: %+v: dropped as %s: %d, want %d", test.name, test.nack, dropReason(r), got, test.drops[dropReason(r)])
			}
		}
		if got, want := m.resent.Load(), uint64(len(strings.Fields(test.want))); got != want {
			t.Errorf("%s: %+v: %d resent, want %d", test.name, test.nack, got, want)
		}
	}
}

// TestRepairOfLayers asks for what one is not, not yet and not any more sent.
func TestRepairOfLayers(t *testing.T) {
	members := room(3)
	ann, bob := members[0], members[1]
	begin := time.Now()
	ms := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Millisecond) }
	for _, m := range members {
		m.since = begin.Add(-time.Millisecond)
	}
	look := func(m *member, now time.Time, views ...wire.View) {
		m.session.look(m, views, now)
		m.session.plan(ann, now.Add(planEvery))
	}
	look(members[2], ms(0), at(0, 640, 480, 30))
	look(bob, ms(0), at(0, 64, 48, 30))
	ask := func(layer int, now time.Time) string {
		t.Helper()
		for _, m := range members {
			queued(t, m, now)
		}
		nack := wire.Nack{KID: sframe.NewKID(0, wire.LayerStream(layer), 0, 0), First: 5, Bits: 1}
		bob.forward(nack.Append(nil), now, nil)
		return strings.Join(queued(t, bob, now), " ")
	}
	ann.forward(layered(0, 0, 5, "large"), ms(100), nil)
	ann.forward(layered(0, 1, 5, "small"), ms(100), nil)
	for layer, want := range []string{"large", "small", ""} {
		if got := ask(layer, ms(200)); got != want {
			t.Errorf("layer %d: received %q, want %q", layer, got, want)
		}
	}
	look(bob, ms(300))
	if got := ask(1, ms(400)); got != "small" {
		t.Errorf("after looking elsewhere: received %q of before", got)
	}
	ann.forward(layered(0, 0, 5, "large"), ms(1200), nil)
	if got := ask(0, ms(300).Add(repairTime)); got != "" {
		t.Errorf("after looking elsewhere for %v: received %q", repairTime, got)
	}
	if got := bob.drops[dropNackUnseen].Load(); got != 1 {
		t.Errorf("%d packets not sent again, want 1", got)
	}
}

// TestRepairTime checks that pictures are there for repairTime, also beside a
// voice.
func TestRepairTime(t *testing.T) {
	for _, rate := range []int{15, 30, 60, 200} {
		members := room(2)
		now := time.Now()
		gap := time.Second / time.Duration(rate)
		for i := range 3 * rate {
			now = now.Add(gap)
			members[0].forward(sealed(0, wire.KindVideo, uint64(i), "x"), now, nil)
			for range 3 {
				members[0].forward(sealed(0, wire.KindVoice, uint64(i), "v"), now, nil)
			}
		}
		oldest := uint64(3*rate - int(repairTime/gap))
		members[1].forward(lost(0, oldest, 1).Append(nil), now, nil)
		if got := members[1].resent.Load(); got != 1 {
			t.Errorf("%d pictures a second: that of %v ago is not there", rate, repairTime)
		}
		t.Logf("%d packets with pictures a second take %d KB", rate, len(members[0].pictures.bodies)*wire.MaxDatagram/1000)
	}
}

// TestRepairMeter has a member ask for more than anybody needs.
func TestRepairMeter(t *testing.T) {
	members := room(2)
	now := time.Now()
	for i := range uint64(wire.NackPackets) {
		members[0].forward(sealed(0, wire.KindVideo, i, "x"), now.Add(time.Millisecond), nil)
	}
	all := lost(0, 0, 1<<64-1).Append(nil)
	for range 10 {
		members[1].forward(all, now, nil)
	}
	if got := members[1].resent.Load(); got != repairBurst {
		t.Errorf("%d packets resent at once, want %d", got, repairBurst)
	}
	if got := members[1].drops[dropNackFlood].Load(); got != 10*wire.NackPackets-repairBurst {
		t.Errorf("%d not, want %d", got, 10*wire.NackPackets-repairBurst)
	}
	members[1].forward(all, now.Add(wire.NackPackets*repairInterval), nil)
	if got := members[1].resent.Load(); got != repairBurst+wire.NackPackets {
		t.Errorf("%d packets resent after %v, want %d", got, wire.NackPackets*repairInterval, repairBurst+wire.NackPackets)
	}
}

func TestRepairAllocatesNothing(t *testing.T) {
	members := room(2)
	var sent sync.WaitGroup
	sent.Add(1 << 20)
	members[1].conn = &benchConn{sent: &sent}
	now := time.Now()
	for i := range uint64(wire.NackPackets) {
		members[0].forward(sealed(0, wire.KindVideo, i, "x"), now.Add(time.Millisecond), nil)
	}
	nack := lost(0, 0, 0x0f0f).Append([]byte(nil))
	nack[len(nack)-1] |= 1
	var b [wire.MaxDatagram]byte
	n := testing.AllocsPerRun(100, func() {
		members[1].repairMeter = meter{}
		members[1].forward(nack, time.Now(), nil)
		if err := members[1].sendWaiting(b[:]); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 || members[1].resent.Load() == 0 {
		t.Errorf("%v allocations for %d packets, want 0", n, members[1].resent.Load())
	}
}

// TestRepairOverNetwork asks a whole hub.
func TestRepairOverNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		ann, bob := r.joinNow("s"), r.joinNow("s")
		time.Sleep(time.Millisecond)
		ann.say(wire.KindVideo, "picture")
		bob.wantPackets("bob", "picture")
		if err := bob.conn.SendDatagram(lost(ann.at(), 1, 0b11).Append(nil)); err != nil {
			t.Fatal(err)
		}
		bob.wantPackets("bob", "picture")
		ann.wantPackets("ann")
		if s := r.hub.Stats(); s.Resent != 1 || s.Forwarded != 2 {
			t.Errorf("%d resent of %d forwarded, want 1 of 2", s.Resent, s.Forwarded)
		}
		r.wantDrops(map[string]uint64{"nack_expired": 1})
		ann.close()
		bob.close()
		r.stop()
	})
}

// BenchmarkRepair is for one packet out of a full ring, without sending it.
func BenchmarkRepair(b *testing.B) {
	members := room(2)
	members[0].sendMeters = noLimit
	now := time.Now()
	for i := range uint64(ringMax) {
		members[0].forward(sealed(0, wire.KindVideo, i, "x"), now.Add(time.Millisecond), nil)
	}
	nack := lost(0, ringMax-1, 1).Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		members[1].repairMeter, members[1].packetMeter = meter{}, meter{}
		members[1].forward(nack, now, nil)
	}
	if members[1].resent.Load() == 0 {
		b.Fatal("nothing was sent again")
	}
}
