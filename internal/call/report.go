package call

import (
	"sync"
	"time"

	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/wire"
)

// reportFrom is the loss that a receiver finds worth to report; it is reported
// once a second.
const reportFrom = 0.005

// reportTime is how long a report counts: two may be lost.
const reportTime = 3500 * time.Millisecond

// reportLoss tells those whose packets get lost on the way here, or take longer
// and longer.
func (c *Call) reportLoss(now time.Time) {
	var r wire.LossReport
	for _, m := range *c.members.Load() {
		loss, slow := m.lossTrend(), m.tide.high(now, c.mostTide())
		if (loss >= reportFrom || slow) && r.N < wire.MaxLosses {
			r.Losses[r.N] = wire.SlotLoss{Slot: m.slot, Loss: uint8(min(loss, 1)*wire.MaxLoss + 0.5), Slow: slow}
			r.N++
		}
	}
	if r.N > 0 {
		var buf [2 + 3*wire.MaxLosses]byte
		c.outbox.put(now, queue.Control, sframe.StreamControl, wire.NewClear(wire.KindControl, 0), r.Append(buf[:0]))
	}
}

// lossTrend returns the share of m's packets that were lost lately.
func (m *member) lossTrend() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.trend
}

// toldLoss returns which share of my packets m has reported lost, and whether
// they take longer and longer.
func (m *member) toldLoss(now time.Time) (loss float64, slow bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.toldAt) > reportTime {
		return 0, false
	}
	return float64(m.told.Loss) / wire.MaxLoss, m.told.Slow
}

// worstLoss returns the greatest loss that anybody reports, and whether anybody
// finds this member's packets to be slow.
func (c *Call) worstLoss(now time.Time) (worst float64, slow bool) {
	for _, m := range *c.members.Load() {
		loss, s := m.toldLoss(now)
		worst, slow = max(worst, loss), slow || s
	}
	return worst, slow
}

// When packets are found to take longer than they could: even the fastest of a
// second, for a second, than the fastest of the last minute. Something on the way
// has a queue then that does not become empty.
const (
	tideHigh = 80 * time.Millisecond
	tideEbb  = 30 * time.Second // half a minute, and the half before
)

// A tide follows how long the voice packets of a member take.
type tide struct {
	mu sync.Mutex

	// Guarded by mu. The fastest packets of this span and of the one before,
	// long ones and short ones.
	long, short       [2]time.Duration
	longAt, shortAt   time.Time
	anyLong, anyShort [2]bool
}

// take takes a packet that was so old when it came.
func (t *tide) take(age time.Duration, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	note(&t.long, &t.anyLong, &t.longAt, tideEbb, age, now)
	note(&t.short, &t.anyShort, &t.shortAt, time.Second, age, now)
}

// note keeps the least age of spans of a length.
func note(least *[2]time.Duration, used *[2]bool, since *time.Time, span, age time.Duration, now time.Time) {
	switch passed := now.Sub(*since); {
	case passed >= 2*span:
		*used, *since = [2]bool{}, now
	case passed >= span:
		least[1], used[1], used[0], *since = least[0], used[0], false, now
	}
	if !used[0] || age < least[0] {
		least[0], used[0] = age, true
	}
}

// high reports whether the packets are slow at time now, by more than most.
func (t *tide) high(now time.Time, most time.Duration) bool {
	high, _ := t.state(now, most)
	return high
}

// state is high, and reports whether there are packets enough to tell.
func (t *tide) state(now time.Time, most time.Duration) (high, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.anyShort[1] || !t.anyLong[0] || now.Sub(t.shortAt) > 2*time.Second {
		return false, false
	}
	least := t.long[0]
	if t.anyLong[1] {
		least = min(least, t.long[1])
	}
	recent := t.short[1]
	if t.anyShort[0] {
		recent = min(recent, t.short[0])
	}
	return recent > least+most, true
}
