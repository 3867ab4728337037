package cli

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/command"
)

// An event is one line of headless output.
type event struct {
	Time   string  `json:"time"`
	Event  string  `json:"event"`
	Slot   *uint16 `json:"slot,omitempty"`
	Name   string  `json:"name,omitempty"`
	Device string  `json:"device,omitempty"`

	Command string `json:"command,omitempty"` // that was done, or that failed
	Error   string `json:"error,omitempty"`

	Fingerprint string   `json:"fingerprint,omitempty"`
	Mark        string   `json:"mark,omitempty"` // how well the person is known
	Text        string   `json:"text,omitempty"` // of a chat line
	Code        []string `json:"code,omitempty"` // the safety code: four words

	Session string        `json:"session,omitempty"`
	Link    *linkFigures  `json:"link,omitempty"`
	Members []memberStats `json:"members,omitempty"`
	Waiting []knockStats  `json:"waiting,omitempty"`
	Locked  bool          `json:"locked,omitempty"`

	Hand     bool      `json:"hand,omitempty"` // one's own is up
	Deafened bool      `json:"deafened,omitempty"`
	Sends    []sending `json:"sends,omitempty"`
}

// A sending is a size in which this member sends its pictures.
type sending struct {
	Width  int  `json:"width"`
	Height int  `json:"height"`
	FPS    int  `json:"fps_at_most"`
	Colour bool `json:"colour"`
	Tall   bool `json:"tall_pixels"`
}

// linkFigures are the figures of the way to the hub.
type linkFigures struct {
	Path   string  `json:"path"`
	RTT    float64 `json:"rtt_ms"`
	Up     float64 `json:"up_kB_s"`
	Down   float64 `json:"down_kB_s"`
	Loss   float64 `json:"loss"`
	Joined bool    `json:"joined"`
}

// memberStats are the figures of another member.
type memberStats struct {
	Slot           uint16  `json:"slot"`
	Name           string  `json:"name"`
	Fingerprint    string  `json:"fingerprint"`
	Mark           string  `json:"mark"`
	Present        bool    `json:"present"`
	Differs        bool    `json:"roster_differs"`
	Away           bool    `json:"away"` // the connection is broken, and they may come back
	AwaySince      string  `json:"away_since,omitempty"`
	Speaking       bool    `json:"speaking"`
	Muted          bool    `json:"muted"`
	MutedHere      bool    `json:"muted_here"`
	Deafened       bool    `json:"deafened"`
	Hand           bool    `json:"hand"`
	HandAt         string  `json:"hand_at,omitempty"` // since when it is up
	Down           float64 `json:"down_kB_s"`
	Loss           float64 `json:"loss"`
	FPS            float64 `json:"fps"`
	Width          int     `json:"width"` // of the last picture, in pixels
	Height         int     `json:"height"`
	VoiceDelay     float64 `json:"voice_delay_ms"`
	PictureDelay   float64 `json:"picture_delay_ms"`
	Lips           float64 `json:"lips_ms"` // by how much later pictures are shown than the voice is heard
	Volume         float64 `json:"volume_db"`
	VoicePlayed    uint64  `json:"voice_played"`
	VoiceConcealed uint64  `json:"voice_concealed"`
	VoiceRepeated  uint64  `json:"voice_repeated"` // of those played, from a copy in a later packet
	VoiceRestored  uint64  `json:"voice_restored"` // of those played, from the coarse copy inside the next
	VoiceLate      uint64  `json:"voice_late"`
	VoiceDropped   uint64  `json:"voice_dropped"`
	Pictures       uint64  `json:"pictures"`
	PicturesLost   uint64  `json:"pictures_lost"`
}

// knockStats say who waits to be let in.
type knockStats struct {
	Slot        uint16 `json:"slot"`
	Name        string `json:"name,omitempty"` // as last met
	Fingerprint string `json:"fingerprint"`
	Mark        string `json:"mark"`
}

// headless prints what happens as JSON lines and obeys the commands on standard
// input until ctx is done, or until one of them says to leave.
func (e Env) headless(ctx context.Context, c *call.Call, every time.Duration) error {
	out := json.NewEncoder(e.Stdout)
	var tick <-chan time.Time
	if every > 0 {
		t := time.NewTicker(every)
		defer t.Stop()
		tick = t.C
	}
	var s call.State
	c.State(&s)
	if err := out.Encode(welcomeEvent(&s)); err != nil {
		return err
	}
	in := readCommands(e.Stdin)
	defer in.close()
	lines := in.lines
	for {
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case n := <-c.Notices():
			c.State(&s)
			err = out.Encode(noticeEvent(&s, n))
		case line, ok := <-lines:
			if !ok {
				lines = nil // nothing more will be said; the call goes on
				continue
			}
			if line.Err == nil {
				line.Err = command.Do(c, line.Text)
			}
			err = out.Encode(answerEvent(line))
			if errors.Is(line.Err, command.ErrLeave) {
				return err
			}
		case now := <-tick:
			c.State(&s)
			err = out.Encode(statsEvent(&s, now))
		}
		if err != nil {
			return err
		}
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func welcomeEvent(s *call.State) event {
	return event{
		Time: stamp(time.Now()), Event: "welcome", Slot: &s.Self.Slot, Name: s.Self.Name, Session: s.Session,
		Fingerprint: s.Self.Fingerprint.String(),
	}
}

// answerEvent returns the line for a command that was obeyed, or not.
func answerEvent(o command.Line) event {
	v := event{Time: stamp(time.Now()), Event: "ok", Command: o.Text}
	if o.Err != nil && !errors.Is(o.Err, command.ErrLeave) {
		v.Event, v.Error = "error", o.Err.Error()
	}
	return v
}

// noticeEvent returns the line for n. s is how the call stands after it.
func noticeEvent(s *call.State, n call.Notice) event {
	v := event{Time: stamp(n.At), Event: n.Kind.String(), Name: n.Name, Device: n.Device, Text: n.Text}
	if n.Fingerprint != (hello.Fingerprint{}) { // of somebody, who has a slot too
		v.Slot, v.Fingerprint = &n.Slot, n.Fingerprint.String()
		v.Mark = markOf(s, n.Fingerprint)
	}
	if n.Kind == call.CodeReady && s.Code[0] != "" { // else it has changed again, and another notice comes
		v.Code = s.Code[:]
	}
	if n.Err != nil {
		v.Error = n.Err.Error()
	}
	return v
}

// markOf returns how well somebody is known who is here or waits, "" for others.
func markOf(s *call.State, fp hello.Fingerprint) string {
	for i := range s.Members {
		if s.Members[i].Fingerprint == fp {
			return s.Members[i].Mark.String()
		}
	}
	for i := range s.Knocks {
		if s.Knocks[i].Fingerprint == fp {
			return s.Knocks[i].Mark.String()
		}
	}
	return ""
}

func statsEvent(s *call.State, now time.Time) event {
	v := event{Time: stamp(now), Event: "stats", Slot: &s.Self.Slot, Link: &linkFigures{
		Path: s.Link.Path.String(), RTT: ms(s.Link.RTT), Up: s.Link.Up, Down: s.Link.Down, Loss: s.Link.Loss,
		Joined: s.Link.Phase == call.Joined,
	}, Locked: s.Locked, Hand: s.Self.Hand, Deafened: s.Self.Deaf}
	for i := range s.Members {
		m := &s.Members[i]
		awaySince, handAt := "", ""
		if m.Hand {
			handAt = stamp(m.HandAt)
		}
		if m.Away {
			awaySince = stamp(m.AwaySince)
		}
		v.Members = append(v.Members, memberStats{
			Away: m.Away, AwaySince: awaySince,
			Slot: m.Slot, Name: m.Name, Fingerprint: m.Fingerprint.String(), Mark: m.Mark.String(),
			Present: m.Present, Differs: m.Differs, Speaking: m.Speaking, Muted: m.Muted,
			MutedHere: m.MutedHere, Deafened: m.Deaf, Hand: m.Hand, HandAt: handAt, Down: m.Down,
			Loss: m.Loss, FPS: m.FPS, Width: m.Width, Height: m.Height,
			VoiceDelay: ms(m.Voice), PictureDelay: ms(m.Picture),
			Lips: ms(m.Lips), Volume: m.Volume,
			VoicePlayed: m.VoicePlayed, VoiceConcealed: m.VoiceConcealed,
			VoiceRepeated: m.VoiceRepeated, VoiceRestored: m.VoiceRestored, VoiceLate: m.VoiceLate, VoiceDropped: m.VoiceDropped,
			Pictures: m.Pictures, PicturesLost: m.PicturesLost,
		})
	}
	for _, x := range s.Sends {
		v.Sends = append(v.Sends, sending(x))
	}
	for i := range s.Knocks {
		k := &s.Knocks[i]
		v.Waiting = append(v.Waiting, knockStats{Slot: k.Slot, Name: k.Name, Fingerprint: k.Fingerprint.String(), Mark: k.Mark.String()})
	}
	return v
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
