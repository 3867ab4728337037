package call

import "time"

// Pictures come sooner than the voice, which waits for late packets and for the
// speaker. So they wait too, until they are earlier by no more than the screen
// takes.
const (
	lipsLead = 30 * time.Millisecond
	lipsMost = 300 * time.Millisecond // that a picture waits
)

// matchLips waits until the picture that m sent, which is so old now, is in time
// with the voice. The voice never waits for pictures.
func (c *Call) matchLips(m *member, k *catcher, age time.Duration, now time.Time) {
	if now.UnixNano()-m.said.at.Load() > int64(saidTime) {
		m.lips.Store(0)
		return // m is silent
	}
	ear := m.voice.Stats().Delay + time.Duration(c.spkDelay.Load())
	wait := min(ear-lipsLead-age, lipsMost)
	if wait > 0 {
		k.timer.Reset(wait)
		select {
		case <-m.ctx.Done():
		case <-k.timer.C:
		}
	}
	m.lips.Store(int64(age + time.Since(now) - ear))
}
