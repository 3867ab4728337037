package command

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/call"
)

// plain is a call that notes what is done to it.
type plain struct {
	state         call.State
	muted, camera bool
	did           []string
}

func (p *plain) note(format string, args ...any) { p.did = append(p.did, fmt.Sprintf(format, args...)) }

func (p *plain) State(s *call.State)    { *s = p.state }
func (p *plain) Say(text string) error  { p.note("say %s", text); return nil }
func (p *plain) SetLocked(on bool)      { p.note("locked %t", on) }
func (p *plain) Admit(slot uint16) bool { p.note("admit %d", slot); return true }
func (p *plain) Deny(slot uint16) bool  { p.note("deny %d", slot); return true }
func (p *plain) Remove(slot uint16) bool {
	p.note("remove %d", slot)
	return true
}
func (p *plain) Verify() error      { p.note("verify"); return nil }
func (p *plain) SetMuted(on bool)   { p.muted = on; p.note("muted %t", on) }
func (p *plain) Muted() bool        { return p.muted }
func (p *plain) SetTalking(on bool) { p.note("talking %t", on) }
func (p *plain) SetCamera(on bool)  { p.camera = on; p.note("camera %t", on) }
func (p *plain) CameraOn() bool     { return p.camera }
func (p *plain) SetVolume(slot uint16, db float64) bool {
	p.note("volume %d %g", slot, db)
	return true
}

// full is a call that has everything.
type full struct{ plain }

func (f *full) SetDeafened(on bool)     { f.note("deafened %t", on) }
func (f *full) SetHand(up bool)         { f.note("hand %t", up) }
func (f *full) React(text string) error { f.note("react %s", text); return nil }
func (f *full) SetMemberMuted(slot uint16, on bool) bool {
	f.note("silent %d %t", slot, on)
	return true
}

func (f *full) UseDevice(kind, name string) error {
	f.note("use %s %s", kind, name)
	return nil
}

// printOf returns a fingerprint that differs with k.
func printOf(k int) hello.Fingerprint { return sha256.Sum256([]byte{byte(k)}) }

// newFull returns a call with ann in slot 1 and bo in slot 20, and carl who waits
// in slot 3.
func newFull() *full {
	f := new(full)
	f.state.Members = []call.Member{{Slot: 1, Name: "ann", Fingerprint: printOf(1)}, {Slot: 20, Name: "Bo Vine", Fingerprint: printOf(2)}}
	f.state.Knocks = []call.Knock{{Slot: 3, Name: "carl", Fingerprint: printOf(3)}}
	return f
}

func TestDo(t *testing.T) {
	for line, want := range map[string]string{
		"say hello  there":                     "say hello  there",
		"mute":                                 "muted true",
		"unmute":                               "muted false",
		"toggle":                               "muted true",
		"talk":                                 "talking true",
		"hush":                                 "talking false",
		"deafen":                               "deafened true",
		"undeafen":                             "deafened false",
		"camera on":                            "camera true",
		"camera off":                           "camera false",
		"camera toggle":                        "camera true",
		"hand up":                              "hand true",
		"hand down":                            "hand false",
		"react +1":                             "react +1",
		"volume -6 ann":                        "volume 1 -6",
		"volume 3.5  bo vine":                  "volume 20 3.5",
		"silence 20":                           "silent 20 true",
		"unsilence ann":                        "silent 1 false",
		"use camera /dev/video 2":              "use camera /dev/video 2",
		"use microphone auto":                  "use microphone auto",
		"lock":                                 "locked true",
		"unlock":                               "locked false",
		"admit carl":                           "admit 3",
		"deny 3":                               "deny 3",
		" remove   Ann ":                       "remove 1",
		"remove " + printOf(2).String()[:13]:   "remove 20",
		"remove " + printOf(2).String()[7:7+6]: "remove 20",
		"admit " + printOf(3).String():         "admit 3",
		"verify":                               "verify",
	} {
		f := newFull()
		if err := Do(f, line); err != nil {
			t.Errorf("Do(%q) = %v", line, err)
		}
		if got := strings.Join(f.did, ", "); got != want {
			t.Errorf("Do(%q) does %q, want %q", line, got, want)
		}
	}
}

func TestDoErrors(t *testing.T) {
	for line, want := range map[string]string{
		"":                       `unknown command ""`,
		"dance":                  `unknown command "dance"`,
		"Say hello":              `unknown command "Say"`,
		"\x1b[2J":                `unknown command "[2J"`,
		"say":                    "usage: say TEXT",
		"lock it":                "usage: lock",
		"admit":                  "usage: admit WHO",
		"camera":                 "usage: camera on|off|toggle",
		"camera on off":          `camera: "on off" is neither on nor off nor toggle`,
		"hand waves":             `hand: "waves" is neither up nor down`,
		"leave now":              "usage: leave",
		"volume":                 "usage: volume DB WHO",
		"volume loud ann":        `volume: "loud" is no number of dB from -40 to 12`,
		"volume NaN ann":         `volume: "NaN" is no number of dB from -40 to 12`,
		"volume 99 ann":          `volume: "99" is no number of dB from -40 to 12`,
		"volume 3":               `volume: nobody in slot or called "" is here`,
		"verify everyone":        "usage: verify",
		"use":                    "usage: use camera|microphone|speaker NAME",
		"use tv x":               `use: "tv" is neither camera nor microphone nor speaker`,
		"use camera":             "use: which camera? s2c devices lists them",
		"remove carl":            `remove: nobody in slot or called "carl" is here`,
		"deny ann":               `deny: nobody in slot or called "ann" waits to be let in`,
		"remove \x1b[31mann\x07": `remove: nobody in slot or called "[31mann" is here`,
		"remove SHA256:":         `remove: nobody in slot or called "SHA256:" is here`,
		"leave":                  "leave: leave",
	} {
		f := newFull()
		if err := Do(f, line); err == nil || err.Error() != want {
			t.Errorf("Do(%q) = %v, want %s", line, err, want)
		}
		if f.did != nil {
			t.Errorf("Do(%q) does %q", line, f.did)
		}
	}
	for line, want := range map[string]error{"dance": ErrUnknown, "leave": ErrLeave} {
		if err := Do(newFull(), line); !errors.Is(err, want) {
			t.Errorf("Do(%q) = %v, want %v", line, err, want)
		}
	}
}

// TestWithout makes sure that what an engine lacks is said.
func TestWithout(t *testing.T) {
	for _, line := range []string{"deafen", "undeafen", "hand up", "react +1", "silence ann", "unsilence ann", "use camera none"} {
		p := new(plain)
		if err := Do(p, line); !errors.Is(err, errCannot) {
			t.Errorf("Do(%q) = %v, want %v", line, err, errCannot)
		}
	}
}

func TestTo(t *testing.T) {
	list := []somebody{
		{0, "ann", "SHA256:aaaaaabb"},
		{1, "Bo Vine", "SHA256:aaaaaacc"},
		{2, "", "SHA256:zzzzzz"},
		{3, "1", "SHA256:b"},
		{4, "twin", "SHA256:c"},
		{7, "TWIN", "SHA256:d"},
		{9, "12", "SHA256:e"},
		{11, "SHA256:zzzzzz", "SHA256:f"},
		{12, "zzzzzz", "SHA256:g"},
	}
	for _, test := range []struct{ who, want string }{
		{"ann", "0"},
		{"bo vine", "1"},
		{"2", "2"},
		{"1", "1"},
		{"12", "12"},
		{"7", "7"},
		{"twin", `2 are called "twin"; give the slot`},
		{"5", `nobody in slot or called "5" is here`},
		{"65536", `nobody in slot or called "65536" is here`},
		{"-1", `nobody in slot or called "-1" is here`},
		{"carl", `nobody in slot or called "carl" is here`},
		{"SHA256:zzzzzz", "2"}, // and not who took that name
		{"zzzzzz", "12"},
		{"aaaaaab", "0"},
		{"SHA256:aaaaaa", `2 are called "SHA256:aaaaaa"; give the slot`},
		{"aaaaa", `nobody in slot or called "aaaaa" is here`}, // too short to be meant
	} {
		got := ""
		if err := to(test.who, list, "is here", func(slot uint16) bool { got = fmt.Sprint(slot); return true }); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("to(%q) is %s, want %s", test.who, got, test.want)
		}
	}
	if err := to("ann", list, "is here", func(uint16) bool { return false }); err == nil {
		t.Error("to somebody who has just gone is no error")
	}
}

func TestWords(t *testing.T) {
	seen := make(map[string]bool)
	for _, w := range Words {
		if seen[w.Name] || w.Help == "" || w.Name == "" {
			t.Errorf("word %+v comes twice, or has no help", w)
		}
		seen[w.Name] = true
	}
}

// FuzzDo makes sure that no line does more than one thing, and that what is
// wrong with it can be shown.
func FuzzDo(f *testing.F) {
	for _, w := range Words {
		f.Add(w.Name)
		f.Add(w.Name + " " + w.Args + " ann")
	}
	f.Add("volume -6 \x1b]0;x\x07")
	f.Fuzz(func(t *testing.T, line string) {
		e := newFull()
		err := Do(e, line)
		if len(e.did) > 1 || err != nil && len(e.did) > 0 || err == nil && len(e.did) != 1 {
			t.Errorf("Do(%q) = %v, and does %q", line, err, e.did)
		}
		if err == nil {
			return
		}
		for _, r := range err.Error() {
			if unicode.IsControl(r) {
				t.Errorf("Do(%q) = %q, with a control character", line, err)
			}
		}
	})
}
