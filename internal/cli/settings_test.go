package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/ui"
)

// settingsAt opens the settings in dir, and returns what was said.
func settingsAt(dir string) (*settings, string) {
	var said bytes.Buffer
	e := Env{Stderr: &said, Getenv: func(name string) string {
		if name == "S2C_CONFIG" {
			return dir
		}
		return ""
	}}
	return e.openSettings(), said.String()
}

func printAt(i int) (fp hello.Fingerprint) {
	fp[0], fp[1] = byte(i), byte(i>>8)
	return fp
}

// TestSettings checks that what is chosen is there the next time, that what another
// process chooses is not lost, nor what this version does not know.
func TestSettings(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, settingsFile)
	if err := os.WriteFile(path, []byte(`{"future":{"x":[1,2]},"theme":"light"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	a, said := settingsAt(dir)
	b, _ := settingsAt(dir)
	if got := a.screen(); got.Theme != "light" || said != "" {
		t.Errorf("settings are %+v; said %q", got, said)
	}
	a.keep(ui.Settings{Theme: "dark", Layout: "speaker", Corner: 2, NoBars: true, NoMouse: true}, "", false)
	b.SetVolume(printAt(1), -6, true)
	b.SetVolume(printAt(2), 3, false)
	b.SetVolume(printAt(2), 0, false)
	c, _ := settingsAt(dir)
	if got, want := c.screen(), (ui.Settings{Theme: "dark", Layout: "speaker", Corner: 2, NoBars: true, NoMouse: true}); got != want {
		t.Errorf("settings are %+v, want %+v", got, want)
	}
	if db, muted, ok := c.Volume(printAt(1)); db != -6 || !muted || !ok {
		t.Errorf("volume is %v, %v, %v", db, muted, ok)
	}
	if _, _, ok := c.Volume(printAt(2)); ok {
		t.Error("who is heard as they come is remembered")
	}
	// A theme for one call is not chosen, nor a mouse that is not there in one.
	c.keep(ui.Settings{Theme: "dark", Fit: true}, "", false)
	c.keep(ui.Settings{Theme: "contrast", Fit: true, NoMouse: true}, "contrast", true)
	d, _ := settingsAt(dir)
	if got, want := d.screen(), (ui.Settings{Theme: "dark", Fit: true}); got != want {
		t.Errorf("after a flag settings are %+v, want %+v", got, want)
	}
	if d.wasSetUp() {
		t.Error("the page before the first call was never seen")
	}
	d.setUp()
	if e, _ := settingsAt(dir); !e.wasSetUp() {
		t.Error("the page before the first call comes again")
	}
	if text, err := os.ReadFile(path); err != nil || !bytes.Contains(text, []byte(`"future"`)) {
		t.Errorf("the file is %s, %v", text, err)
	}
}

// TestSettingsBroken checks that a broken file is said, not used and not replaced.
func TestSettingsBroken(t *testing.T) {
	for _, text := range []string{`{"theme":`, `[]`, strings.Repeat(" ", settingsLimit+1)} {
		dir := t.TempDir()
		path := filepath.Join(dir, settingsFile)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, said := settingsAt(dir)
		if !strings.Contains(said, "settings are not used") || strings.Count(said, "\n") != 1 {
			t.Errorf("said %q", said)
		}
		if !s.wasSetUp() {
			t.Error("a page comes that would come again each time")
		}
		s.SetVolume(printAt(1), -6, false)
		if db, _, ok := s.Volume(printAt(1)); db != -6 || !ok {
			t.Error("the volume is not even remembered in the call")
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("the file has become %.40q, %v", b, err)
		}
	}
}

// TestSettingsForget checks that only those are kept who were met last.
func TestSettingsForget(t *testing.T) {
	var s saved
	s.People = make(map[string]volume)
	for i := range mostVolumes + 50 {
		s.People[printAt(i).String()] = volume{Met: time.Unix(int64(i), 0)}
	}
	s.forget()
	for i := range mostVolumes + 50 {
		if _, ok := s.People[printAt(i).String()]; ok != (i >= 50) {
			t.Fatalf("of %d: %v", i, ok)
		}
	}
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"theme":"light","borders":"ascii","layout":"grid","people":{"SHA256:x":{"db":1e300}}}`))
	f.Add([]byte(fmt.Sprintf(`{"people":{%q:{"db":-1e9,"met":"2026-01-02T03:04:05Z"}}}`, printAt(3))))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSettings(b)
		if err != nil {
			return
		}
		if !ui.ThemeKnown(s.Theme) && s.Theme != "" {
			t.Errorf("theme %q", s.Theme)
		}
		for who, v := range s.People {
			if _, err := hello.ParseFingerprint(who); err != nil || v.DB < call.MinVolume || v.DB > call.MaxVolume {
				t.Errorf("%q: %+v", who, v)
			}
		}
		s.forget()
	})
}
