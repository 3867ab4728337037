package cli

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/file"
	"github.com/sanix-darker/s2c/internal/ui"
)

// The file of what a person has chosen in calls. It is JSON, so that it can be
// changed by hand too; what is not known there stays.
const (
	settingsFile  = "settings.json"
	settingsLimit = 256 << 10 // bytes

	// mostVolumes is of how many people it holds how loud they are; who was met
	// the longest ago goes first.
	mostVolumes = 1000
)

// A saved is what the file holds.
type saved struct {
	Theme   string            `json:"theme,omitempty"`
	Borders string            `json:"borders,omitempty"`
	Layout  string            `json:"layout,omitempty"`
	Fit     bool              `json:"fit,omitempty"`
	Corner  int               `json:"corner,omitempty"`
	NoBars  bool              `json:"no_bars,omitempty"`
	NoMouse bool              `json:"no_mouse,omitempty"`
	SetUp   bool              `json:"set_up,omitempty"` // the page before the first call was seen
	People  map[string]volume `json:"people,omitempty"` // by fingerprint
}

// A volume is how loud somebody is here.
type volume struct {
	DB    float64   `json:"db"`
	Muted bool      `json:"muted,omitempty"`
	Met   time.Time `json:"met"`
}

// parseSettings returns what b holds, less what cannot be.
func parseSettings(b []byte) (s saved, err error) {
	if len(b) == 0 {
		return saved{}, nil
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return saved{}, err
	}
	if !ui.ThemeKnown(s.Theme) {
		s.Theme = ""
	}
	if s.Borders != ui.BordersASCII && s.Borders != ui.BordersUnicode {
		s.Borders = ""
	}
	for who, v := range s.People {
		if _, err := hello.ParseFingerprint(who); err != nil {
			delete(s.People, who)
			continue
		}
		v.DB = min(max(v.DB, call.MinVolume), call.MaxVolume)
		s.People[who] = v
	}
	return s, nil
}

// forget removes those who were met the longest ago, until there are not too many.
func (s *saved) forget() {
	for len(s.People) > mostVolumes {
		oldest := ""
		for who, v := range s.People {
			if o := s.People[oldest]; oldest == "" || v.Met.Before(o.Met) || v.Met.Equal(o.Met) && who < oldest {
				oldest = who
			}
		}
		delete(s.People, oldest)
	}
}

// A settings is what a person has chosen, in memory and in its file. It is a
// call.Volumes.
type settings struct {
	path string // "" where there is none
	now  func() time.Time

	mu    sync.Mutex
	saved saved
}

// openSettings reads the file. One that cannot be read is said once, and is as
// good as none.
func (e Env) openSettings() *settings {
	s := &settings{now: time.Now}
	dir, err := e.configDir()
	if err != nil {
		return s // it was said, or will be, by what needs the folder
	}
	path := filepath.Join(dir, settingsFile)
	b, err := file.Read(path, settingsLimit, file.OwnerWrites)
	if err == nil {
		s.saved, err = parseSettings(b)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.say("settings are not used: %s: %v; mend the file or remove it", path, err)
		return s // and the file stays as it is
	}
	s.path = path
	return s
}

// change changes the settings, here and in the file, which others may have changed.
func (s *settings) change(f func(*saved)) {
	s.mu.Lock()
	f(&s.saved)
	s.saved.forget()
	path := s.path
	s.mu.Unlock()
	if path == "" {
		return
	}
	// It is only a convenience: a full disk does not end a call.
	_ = file.Update(path, settingsLimit, file.OwnerWrites, func(b []byte) ([]byte, bool) {
		all := make(map[string]json.RawMessage)
		old, err := parseSettings(b)
		if err == nil && len(b) > 0 {
			err = json.Unmarshal(b, &all)
		}
		if err != nil {
			return nil, false
		}
		f(&old)
		old.forget()
		return merge(all, old)
	})
}

// merge returns s as JSON, with what else was in the file.
func merge(all map[string]json.RawMessage, s saved) ([]byte, bool) {
	for _, known := range []string{"theme", "borders", "layout", "fit", "corner", "no_bars", "no_mouse", "set_up", "people"} {
		delete(all, known)
	}
	b, err := json.Marshal(s)
	if err != nil {
		return nil, false
	}
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, false
	}
	b, err = json.MarshalIndent(all, "", "\t")
	return append(b, '\n'), err == nil
}

// screen returns how the screen was.
func (s *settings) screen() ui.Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &s.saved
	return ui.Settings{Theme: f.Theme, Layout: f.Layout, Fit: f.Fit, Corner: f.Corner, NoBars: f.NoBars, NoMouse: f.NoMouse}
}

// borders returns of what borders were.
func (s *settings) borders() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saved.Borders
}

// wasSetUp reports whether the page before the first call was seen, or could not be
// remembered.
func (s *settings) wasSetUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saved.SetUp || s.path == ""
}

// setUp remembers that the page before the first call was seen.
func (s *settings) setUp() { s.change(func(f *saved) { f.SetUp = true }) }

// keep remembers how the screen is. theme and noMouse are what flags said, which is
// not the person's choice for the next time.
func (s *settings) keep(u ui.Settings, theme string, noMouse bool) {
	s.change(func(f *saved) {
		if u.Theme != theme || theme == "" {
			f.Theme = u.Theme
		}
		if !noMouse || !u.NoMouse {
			f.NoMouse = u.NoMouse
		}
		f.NoBars = u.NoBars
		f.Layout, f.Fit, f.Corner = u.Layout, u.Fit, u.Corner
	})
}

// Volume returns how loud somebody was.
func (s *settings) Volume(who hello.Fingerprint) (db float64, muted, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.saved.People[who.String()]
	if ok {
		v.Met = s.now().UTC().Truncate(time.Second)
		s.saved.People[who.String()] = v
	}
	return v.DB, v.Muted, ok
}

// SetVolume remembers how loud somebody is. As one is at first, nothing is kept.
func (s *settings) SetVolume(who hello.Fingerprint, db float64, muted bool) {
	s.change(func(f *saved) {
		if db == 0 && !muted {
			delete(f.People, who.String())
			return
		}
		if f.People == nil {
			f.People = make(map[string]volume)
		}
		f.People[who.String()] = volume{db, muted, s.now().UTC().Truncate(time.Second)}
	})
}

// flagsFromEnvironment sets the flags that are not on the command line from the
// environment. A variable that is empty is as good as none.
func (e Env) flagsFromEnvironment(cmd *cobra.Command) (err error) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		variable := envName(f.Name)
		text := e.Getenv(variable)
		if text == "" || f.Changed || err != nil {
			return
		}
		if cmd.Flags().Set(f.Name, text) != nil {
			err = &usageError{badVariable(variable, f.Value.Type(), text), "see s2c " + cmd.Name() + " -h"}
		}
	})
	return err
}
