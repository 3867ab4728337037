package hub

import (
	"sync/atomic"

	"github.com/sanix-darker/s2c/internal/queue"
)

// A dropReason says why something was not relayed.
type dropReason uint8

const (
	dropMalformed     dropReason = iota // no version of s2c sends such a packet
	dropForged                          // the packet names another member's slot
	dropFlood                           // the member sends more packets than anybody needs
	dropNotChat                         // a reliable packet of another stream than chat
	dropUnseen                          // pictures of a layer that nobody gets
	dropQuiet                           // a voice in a large session of somebody who does not speak
	dropFloor                           // or who has to wait, as many speak
	dropStranger                        // a pair message to somebody who is not there (any more)
	dropExpired                         // overwritten in the sender's ring before its turn
	dropControlFull                     // the receiver's queue was full and the oldest went
	dropVoiceFull                       //
	dropVideoFull                       //
	dropControlStale                    // it waited too long in the receiver's queue
	dropVoiceStale                      //
	dropVideoStale                      //
	dropNackFlood                       // the member asks for more lost packets than anybody needs
	dropNackStranger                    // it asks for those of somebody who is not there (any more)
	dropNackUnseen                      // of somebody at whom the member does not look
	dropNackExpired                     // not in the sender's ring any more, or never, or from before the member joined
	dropNackWithheld                    // what the path to the member had no room for
	dropVoiceWithheld                   // the member does not report any more what comes
	dropVideoWithheld                   // the path to the member has no room for it, or had none for one before
	dropReasons                         // how many there are
)

var dropNames = [dropReasons]string{
	dropMalformed:    "malformed",
	dropForged:       "forged",
	dropFlood:        "flood",
	dropNotChat:      "not_chat",
	dropUnseen:       "unseen",
	dropQuiet:        "quiet",
	dropFloor:        "floor",
	dropStranger:     "stranger",
	dropExpired:      "expired",
	dropControlFull:  "control_full",
	dropVoiceFull:    "voice_full",
	dropVideoFull:    "video_full",
	dropControlStale: "control_stale",
	dropVoiceStale:   "voice_stale",
	dropVideoStale:   "video_stale",
	dropNackFlood:    "nack_flood",
	dropNackStranger: "nack_stranger",
	dropNackUnseen:   "nack_unseen",
	dropNackExpired:  "nack_expired",

	dropNackWithheld:  "nack_withheld",
	dropVoiceWithheld: "voice_withheld",
	dropVideoWithheld: "video_withheld",
}

// String returns the name of r in Stats.
func (r dropReason) String() string { return dropNames[r] }

// counters are a member's own, so that members on different cores do not
// contend for them. They are updated by any goroutine.
type counters struct {
	packets, bytes atomic.Uint64 // received from the member
	forwarded      atomic.Uint64 // sent to the member
	resent         atomic.Uint64 // queued again for the member, who had lost it
	drops          [dropReasons]atomic.Uint64
}

// A tally is a sum of counters.
type tally struct {
	packets, bytes, forwarded, resent uint64
	drops                             [dropReasons]uint64
}

// add adds the counters of m and of its queue. Hub.mu must be held.
func (t *tally) add(m *member) {
	t.packets += m.packets.Load()
	t.bytes += m.bytes.Load()
	t.forwarded += m.forwarded.Load()
	t.resent += m.resent.Load()
	for r := range m.drops {
		t.drops[r] += m.drops[r].Load()
	}
	if m.queue == nil {
		return // it has not joined
	}
	for c := range queue.Classes {
		full, stale := m.queue.Drops(c)
		t.drops[dropControlFull+dropReason(c)] += full
		t.drops[dropControlStale+dropReason(c)] += stale
	}
}
