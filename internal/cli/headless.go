package cli

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
)

// An event is one line of headless output.
type event struct {
	Time   string  `json:"time"`
	Event  string  `json:"event"`
	Slot   *uint16 `json:"slot,omitempty"`
	Name   string  `json:"name,omitempty"`
	Device string  `json:"device,omitempty"`
	Error  string  `json:"error,omitempty"`

	Session string        `json:"session,omitempty"`
	Link    *linkFigures  `json:"link,omitempty"`
	Members []memberStats `json:"members,omitempty"`
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
	Speaking       bool    `json:"speaking"`
	Muted          bool    `json:"muted"`
	Loss           float64 `json:"loss"`
	FPS            float64 `json:"fps"`
	VoiceDelay     float64 `json:"voice_delay_ms"`
	PictureDelay   float64 `json:"picture_delay_ms"`
	VoicePlayed    uint64  `json:"voice_played"`
	VoiceConcealed uint64  `json:"voice_concealed"`
	VoiceLate      uint64  `json:"voice_late"`
	VoiceDropped   uint64  `json:"voice_dropped"`
	Pictures       uint64  `json:"pictures"`
	PicturesLost   uint64  `json:"pictures_lost"`
}

// headless prints what happens as JSON lines until ctx is done.
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
	if err := out.Encode(event{Time: stamp(time.Now()), Event: "welcome", Slot: &s.Self.Slot, Name: s.Self.Name, Session: s.Session}); err != nil {
		return err
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case n := <-c.Notices():
			err = out.Encode(noticeEvent(n))
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

func noticeEvent(n call.Notice) event {
	v := event{Time: stamp(n.At), Event: n.Kind.String(), Name: n.Name, Device: n.Device}
	if n.Kind == call.MemberJoined || n.Kind == call.MemberLeft {
		v.Slot = &n.Slot
	}
	if n.Err != nil {
		v.Error = n.Err.Error()
	}
	return v
}

func statsEvent(s *call.State, now time.Time) event {
	v := event{Time: stamp(now), Event: "stats", Slot: &s.Self.Slot, Link: &linkFigures{
		Path: s.Link.Path.String(), RTT: ms(s.Link.RTT), Up: s.Link.Up, Down: s.Link.Down, Loss: s.Link.Loss,
		Joined: s.Link.Phase == call.Joined,
	}}
	for i := range s.Members {
		m := &s.Members[i]
		v.Members = append(v.Members, memberStats{
			Slot: m.Slot, Name: m.Name, Speaking: m.Speaking, Muted: m.Muted, Loss: m.Loss, FPS: m.FPS,
			VoiceDelay: ms(m.Voice), PictureDelay: ms(m.Picture),
			VoicePlayed: m.VoicePlayed, VoiceConcealed: m.VoiceConcealed, VoiceLate: m.VoiceLate, VoiceDropped: m.VoiceDropped,
			Pictures: m.Pictures, PicturesLost: m.PicturesLost,
		})
	}
	return v
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
