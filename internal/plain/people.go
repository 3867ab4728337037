package plain

import (
	"fmt"
	"strings"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/call"
)

// A person is somebody in a place of the session.
type person struct {
	slot  uint16
	print hello.Fingerprint
}

// known is what was told of somebody, or need not be.
type known struct {
	since             time.Time // when they were first seen
	muted, deaf, hand bool
	speaking          bool
	spoke             time.Time // when it was last told that they speak
}

// look tells what has changed and is no notice.
func (t *teller) look(now time.Time) {
	t.Engine.State(&t.state)
	t.lookAtSelf(now)
	here := make(map[person]*known, len(t.state.Members))
	for i := range t.state.Members {
		m := &t.state.Members[i]
		if !m.Present || m.Name == "" {
			continue
		}
		p := person{m.Slot, m.Fingerprint}
		k := t.people[p]
		if k == nil {
			k = &known{since: now}
		}
		t.lookAt(now, m, k)
		here[p] = k
	}
	t.people = here
}

// lookAt tells how somebody else is, if that has changed.
func (t *teller) lookAt(now time.Time, m *call.Member, k *known) {
	name := shown(m.Name)
	if now.Sub(k.since) >= settleTime {
		if m.Muted != k.muted {
			t.say(now, name+is(m.Muted, " is muted.", " is not muted any more."))
		}
		if m.Deaf != k.deaf {
			t.say(now, name+is(m.Deaf, " hears nobody.", " hears the others again."))
		}
		k.muted, k.deaf = m.Muted, m.Deaf
	}
	if k.hand && !m.Hand {
		t.say(now, name+" lowers the hand.")
	}
	begins := m.Speaking && !k.speaking && !m.MutedHere
	if begins && t.tellSpeaking && (k.spoke.IsZero() || now.Sub(k.spoke) >= speakTime) {
		k.spoke = now
		t.say(now, name+" speaks.")
	}
	k.hand, k.speaking = m.Hand, m.Speaking
}

// selfNow returns how the person is. A microphone that is missing is not muted.
func (t *teller) selfNow() known {
	s := &t.state.Self
	return known{muted: t.Engine.Muted(), deaf: s.Deaf, hand: s.Hand}
}

// lookAtSelf tells how the person is, and the session, if that has changed.
func (t *teller) lookAtSelf(now time.Time) {
	k := t.selfNow()
	if k.muted != t.self.muted {
		t.say(now, is(k.muted, "You are muted.", "You are not muted any more."))
	}
	if k.deaf != t.self.deaf {
		t.say(now, is(k.deaf, "You hear nobody, and nobody hears you.", "You hear the others again."))
	}
	if k.hand != t.self.hand {
		t.say(now, is(k.hand, "Your hand is up.", "Your hand is down."))
	}
	if t.state.Locked != t.locked {
		t.say(now, is(t.state.Locked, "The session is locked: nobody new is let in.", "The session is open again."))
	}
	t.self, t.locked = k, t.state.Locked
}

// listPeople tells who is there, and who waits.
func (t *teller) listPeople(now time.Time) {
	t.Engine.State(&t.state)
	t.say(now, t.selfText()+", you.")
	for i := range t.state.Members {
		if m := &t.state.Members[i]; m.Present {
			t.say(now, personText(m)+", "+m.Mark.String()+", "+m.Fingerprint.String()+".")
		}
	}
	for i := range t.state.Knocks {
		t.say(now, knockText(&t.state.Knocks[i]))
	}
}

// selfText returns what personText does of others.
func (t *teller) selfText() string {
	self := t.state.Self
	self.Muted = t.Engine.Muted()
	s := personText(&self)
	if !t.state.Mic {
		s += ", no microphone"
	}
	if !t.state.Speaker {
		s += ", no speaker"
	}
	return s
}

// personText returns slot and name of somebody, and how they are.
func personText(m *call.Member) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d: %s", m.Slot, shown(m.Name))
	for _, x := range []struct {
		is   bool
		text string
	}{
		{m.Muted, "muted"},
		{m.Deaf, "hears nobody"},
		{m.Hand, "hand up"},
		{m.Speaking && !m.Muted, "speaking"},
		{m.Away, "reconnecting"},
		{m.MutedHere, "not heard here"},
		{m.Differs, "does not see the same people as you"},
	} {
		if x.is {
			b.WriteString(", " + x.text)
		}
	}
	if m.Volume != 0 {
		fmt.Fprintf(&b, ", volume here %+.0f dB", m.Volume)
	}
	return b.String()
}

// is returns one of two texts.
func is(so bool, yes, no string) string {
	if so {
		return yes
	}
	return no
}
