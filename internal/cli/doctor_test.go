package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/doctor"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/pulse"
)

// TestJudgeMic makes sure that what was measured is put into the right words.
func TestJudgeMic(t *testing.T) {
	good := doctor.Sound{Peak: -10, Loud: -20, Floor: -65, Offset: -96, Hum: -80, HumHz: 50}
	but := func(f func(*doctor.Sound)) doctor.Sound {
		s := good
		f(&s)
		return s
	}
	tests := []struct {
		name   string
		sound  doctor.Sound
		states string // of level, clipping and noise
		text   string // in one of them
	}{
		{"good", good, "ok ok ok", "speech at -20 dBFS with a peak of -10, noise at -65 dBFS"},
		{"silent", doctor.Sound{Silent: true, Peak: -96, Loud: -96, Floor: -96}, "FAIL", "is it muted?"},
		{"dead", but(func(s *doctor.Sound) { s.Peak, s.Loud, s.Floor = -70, -80, -85 }), "warn", "hardly anything"},
		{"nobody", but(func(s *doctor.Sound) { s.Peak, s.Loud = -50, -62 }), "ok ok ok", "say something"},
		{"soft", but(func(s *doctor.Sound) { s.Peak, s.Loud = -35, -48 }), "warn ok ok", "you are soft"},
		{"clips", but(func(s *doctor.Sound) { s.Peak, s.Clipped = 0, 0.012 }), "ok warn ok", "1.2 % of the sound is cut off"},
		{"a spike", but(func(s *doctor.Sound) { s.Peak, s.Clipped = 0, 0.0005 }), "ok ok ok", "none"},
		{"hum", but(func(s *doctor.Sound) { s.Floor, s.Hum, s.HumHz = -45, -46, 60 }), "ok ok warn", "hum of 60 Hz"},
		{"hum below the noise", but(func(s *doctor.Sound) { s.Floor, s.Hum = -42, -50 }), "ok ok ok", "little"},
		{"offset", but(func(s *doctor.Sound) { s.Offset = -20 }), "ok ok warn", "off its middle"},
		{"noisy", but(func(s *doctor.Sound) { s.Floor = -35 }), "ok ok warn", "-35 dBFS between the words"},
		{"music", but(func(s *doctor.Sound) { s.Floor = -25 }), "ok ok ok", "be silent for a moment"},
	}
	for _, tt := range tests {
		var states, texts []string
		for _, c := range judgeMic(tt.sound) {
			states, texts = append(states, c.State), append(texts, c.Text)
			if (c.State == checkOK) != (c.Hint == "") {
				t.Errorf("%s: %s is %s with the hint %q", tt.name, c.Name, c.State, c.Hint)
			}
		}
		if got := strings.Join(states, " "); got != tt.states || !strings.Contains(strings.Join(texts, "\n"), tt.text) {
			t.Errorf("%s: the states are %q, want %q, and the words %q with %q in them", tt.name, got, tt.states, texts, tt.text)
		}
	}
}

func TestJudgeCancelled(t *testing.T) {
	off := doctor.Echo{Heard: true, Level: -30}
	for _, tt := range []struct {
		on    doctor.Echo
		state string
		text  string
	}{
		{doctor.Echo{Heard: true, Level: -62}, checkOK, "E; cancellation takes it away (32 dB)"},
		{doctor.Echo{Level: -80}, checkOK, "E; cancellation takes it away (at least 50 dB)"},
		{doctor.Echo{Heard: true, Level: -38}, checkWarn, "E; cancellation takes away 8 dB of it, which is little"},
	} {
		c := judgeCancelled(check{Text: "E", Figures: make(map[string]float64)}, off, tt.on)
		if c.State != tt.state || c.Text != tt.text || c.Figures["cancelled_db"] != round1(off.Level-tt.on.Level) {
			t.Errorf("with %+v: %+v, want %s, %q", tt.on, c, tt.state, tt.text)
		}
	}
}

// A tellingDevice knows its delay; one that is silent has none.
type tellingDevice struct {
	media.AudioSource
	media.AudioSink
	delay pulse.Delay
	known bool
}

func (d tellingDevice) Delay() (pulse.Delay, bool) { return d.delay, d.known }
func (d tellingDevice) Close() error               { return nil }

func TestCheckDelay(t *testing.T) {
	of := func(device, buffer time.Duration) tellingDevice {
		return tellingDevice{delay: pulse.Delay{Device: device * time.Millisecond, Buffer: buffer * time.Millisecond}, known: true}
	}
	for _, tt := range []struct {
		mic, speaker tellingDevice
		state, text  string // "" when there is nothing to say
	}{
		{of(2, 10), of(4, 30), checkOK, "microphone 12 ms (device 2, server 10), speaker 34 ms (device 4, server 30)"},
		{of(0, 0), of(4, 30), checkOK, "microphone not told, speaker 34 ms (device 4, server 30)"},
		{tellingDevice{}, of(4, 30), checkOK, "speaker 34 ms (device 4, server 30)"},
		{of(2, 10), of(170, 30), checkWarn, "microphone 12 ms (device 2, server 10), speaker 200 ms (device 170, server 30)"},
		{tellingDevice{}, tellingDevice{}, "", ""},
	} {
		c, ok := checkDelay(tt.mic, tt.speaker)
		if ok != (tt.text != "") || ok && (c.State != tt.state || c.Text != tt.text) {
			t.Errorf("checkDelay(%v, %v) = %+v, %v, want %s, %q", tt.mic.delay, tt.speaker.delay, c, ok, tt.state, tt.text)
		}
	}
}

// TestDoctorCleans makes sure that a device cannot write to the terminal.
func TestDoctorCleans(t *testing.T) {
	hostile := title("auto", []pulse.Info{{Name: "a\x1b[2Jb", Description: "Mic\x1b]0;x\a\u202e", Default: true}})
	list := []check{
		{Name: "microphone", State: checkOK, Text: hostile},
		failed("speaker", checkFail, errors.New("no\x1b[31m\nroom"), "do\x1bthis"),
	}
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		e := Env{Stdout: &out, Stderr: &out}
		f := doctorFlags{asJSON: asJSON}
		e.printChecks(list, f)
		if err := e.concludeDoctor(list, f); err == nil || !strings.HasSuffix(err.Error(), "one check failed") {
			t.Errorf("JSON %v: concludeDoctor = %v", asJSON, err)
		}
		if s := out.String(); strings.ContainsAny(s, "\x1b\a\u202e") || !strings.Contains(s, "Mic]0;x") || !strings.Contains(s, "no[31m room") {
			t.Errorf("JSON %v: it prints %q", asJSON, s)
		}
		if asJSON && !json.Valid(out.Bytes()) {
			t.Errorf("it prints %q, which is no JSON", out.String())
		}
	}
}
