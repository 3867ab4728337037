package ui

import (
	"fmt"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/text"
)

// here returns how many people are in the session, oneself among them.
func (v *callView) here() int {
	n := 1
	for i := range v.state.Members {
		if v.state.Members[i].Present {
			n++
		}
	}
	return n
}

// sealed reports whether something is sealed end to end: somebody is at the
// other end, and can be reached.
func (v *callView) sealed() bool {
	return v.state.Link.Phase == call.Joined && v.here() > 1
}

func (v *callView) drawTopBar(t *terminal, now time.Time) {
	session := text.Clean(v.state.Session, 40)
	items := append(v.items[:0],
		item{text: v.title, style: styleBarStrong, rank: 11},
		item{
			text: session, style: styleBar, rank: 0,
			short: [2]string{text.Clean(session, 16), text.Clean(session, 8)}, cut: [2]int{3, 2},
		},
	)
	items = v.appendSafety(items)
	items = append(items, item{text: now.Format("15:04"), style: styleBarFaint, rank: 10})
	l := &v.state.Link
	if l.Phase != call.Joined {
		items = append(items, item{text: v.phaseText(now), style: styleBarWarn, rank: 1, right: true})
	} else {
		items = append(items,
			item{text: fmt.Sprintf("up %s down %s kB/s", rate(l.Up), rate(l.Down)), style: styleBarFaint, rank: 12, right: true},
			item{text: l.Path.String(), style: styleBarFaint, rank: 9, right: true},
		)
		if l.RTT > 0 { // it was measured
			items = append(items, item{text: "rtt " + roundTrip(l.RTT), style: warnIf(l.RTT >= rttToWarn), rank: 8, right: true})
		}
		loss := item{text: fmt.Sprintf("loss %.0f%%", 100*l.Loss), style: warnIf(l.Loss >= lossToWarn), rank: 7, right: true}
		if l.Loss >= lossToWarn {
			loss.rank = 2
		}
		items = append(items, loss)
	}
	if s := t.status(); s != "" {
		tty := item{text: "tty " + s, style: styleBarFaint, rank: 13, right: true}
		if less := t.ladder.String(); less != "" {
			tty.style, tty.rank = styleBarWarn, 6
			tty.short, tty.cut = [2]string{"tty " + less, "slow tty"}, [2]int{12, 8}
		}
		items = append(items, tty)
	}
	v.items = items
	drawBar(t, 0, items)
}

// appendSafety appends who can hear this member, and who can come to do so.
func (v *callView) appendSafety(items []item) []item {
	s, n := &v.state, v.here()
	if v.sealed() {
		items = append(items, item{
			text: fmt.Sprintf("end-to-end, %d people", n), style: styleBarGood, rank: 1, cut: [2]int{4, 2},
			short: [2]string{fmt.Sprintf("end-to-end, %d", n), fmt.Sprintf("e2e %d", n)},
		})
		if code := codeText(&s.Code, 1); code != "" {
			items = append(items, item{text: code, style: styleBarStrong, rank: 5})
		}
	} else {
		items = append(items, item{text: fmt.Sprintf("%d here", n), style: styleBar, rank: 1})
	}
	if s.Locked {
		items = append(items, item{text: "locked", style: styleBar, rank: 3})
	}
	if s.Shut {
		items = append(items, item{text: "shut: guessing", short: [2]string{"shut"}, style: styleBarWarn, rank: 2})
	}
	if !s.Passphrase {
		return items
	}
	pass := item{text: "passphrase", style: styleBar, rank: 6}
	if s.Guesses > 0 {
		pass = item{text: fmt.Sprintf("passphrase, %d wrong", s.Guesses), short: [2]string{"passphrase"}, style: styleBarWarn, rank: 6}
	}
	return append(items, pass)
}

// From where on the way to the hub gets in the way of a conversation.
const (
	rttToWarn  = 300 * time.Millisecond
	lossToWarn = 0.03
)

// warnIf returns the style of a figure.
func warnIf(bad bool) style {
	if bad {
		return styleBarWarn
	}
	return styleBarFaint
}

// roundTrip returns the text for a round trip.
func roundTrip(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.1fms", d.Seconds()*1000)
	}
	return fmt.Sprintf("%.0fms", d.Seconds()*1000)
}

// phaseText returns the words for a call that has not joined.
func (v *callView) phaseText(now time.Time) string {
	l := &v.state.Link
	if l.Phase == call.Connecting {
		return "connecting"
	}
	if wait := l.NextTry.Sub(now); wait > time.Second/2 {
		return fmt.Sprintf("reconnecting in %.0f s", wait.Seconds())
	}
	return "reconnecting"
}

func (v *callView) drawBottomBar(t *terminal) {
	items := v.items[:0]
	if v.reacting {
		v.items = append(reactionHints(items), v.micItem())
		drawBar(t, t.h-1, v.items)
		return
	}
	if v.people.open {
		v.items = append(items,
			item{key: "jk", text: "select", style: styleBar, rank: 8},
			item{key: "c", text: "codes match", style: styleBar, rank: 4},
			item{key: "x", text: "remove", style: styleBar, rank: 5},
			item{key: "L", text: v.lockText(), style: styleBar, rank: 7},
			item{key: "Esc", text: "close", style: styleBar, rank: 6},
			v.micItem(),
		)
		drawBar(t, t.h-1, v.items)
		return
	}
	if len(v.door.alarms) > 0 {
		items = append(items, item{
			key: "Esc", text: "close warning", short: [2]string{"close"}, style: styleBarWarn, rank: 2,
		})
	}
	if n, speaking := v.hidden(); n > 0 {
		items = append(items,
			item{text: fmt.Sprintf("+%d more", n), style: styleBarWarn, rank: 1},
			item{key: "PgUp/PgDn", style: styleBar, rank: 2},
		)
		if speaking != "" {
			items = append(items, item{text: speaking + " speaks", style: styleBarGood, rank: 3})
		}
	}
	v.items = append(v.appendHints(items), v.micItem())
	drawBar(t, t.h-1, v.items)
}

// lockText says what the key for the lock would do.
func (v *callView) lockText() string {
	if v.engine.Locked() {
		return "unlock"
	}
	return "lock"
}

// micItem returns what the bar says of the microphone. It stays however narrow
// the bar is.
func (v *callView) micItem() item {
	switch {
	case v.engine.Deafened():
		return item{text: "DEAFENED", style: styleAlarm, right: true}
	case v.engine.Muted():
		return item{text: "MUTED", style: styleAlarm, right: true}
	case !v.state.Mic:
		return item{text: "no mic", style: styleBarWarn, right: true}
	}
	return item{text: "mic", style: styleBarGood, right: true, meter: &v.self.meter}
}
