package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/file"
	"github.com/sanix-darker/s2c/internal/term"
	"github.com/sanix-darker/s2c/internal/ui"
)

// autoLook is the look that suits each tile and the terminal.
const autoLook = "auto"

// screenFlags say how a call is shown.
type screenFlags struct {
	lookFlags
	headless bool
	plain    bool
	stats    time.Duration
	theme    string
	borders  string
	noMouse  bool // the mouse is the terminal's
	bell     bool
	notify   string
	invite   ui.Invite
	hosting  bool // the hub is in this program
	noSetup  bool // no page before the first call
	noCtl    bool // no other program may steer the call
}

func (f *screenFlags) add(cmd *cobra.Command) {
	f.lookFlags.add(cmd)
	fl := cmd.Flags()
	fl.BoolVar(&f.headless, "headless", false, "no screen: events as JSON lines on standard output")
	fl.BoolVar(&f.plain, "plain", false, "lines of text in place of a screen, for screen readers and simple terminals")
	fl.StringVar(&f.theme, "theme", "", "`colours` of the screen: "+strings.Join(ui.Themes[:], ", "))
	fl.StringVar(&f.borders, "borders", "", "`unicode` lines, or ascii")
	fl.BoolVar(&f.bell, "bell", false, "ring when somebody joins, waits to be let in, or writes")
	fl.StringVar(&f.notify, "notify", "", "run `program` for what happens, with S2C_EVENT, S2C_NAME and S2C_TEXT in its environment")
	fl.BoolVar(&f.noMouse, "no-mouse", false, "leave the mouse to the terminal, to mark text with it")
	fl.DurationVar(&f.stats, "stats", 0, "with --headless: print a line of figures every `period`")
}

func (f *screenFlags) check() error {
	if f.theme != "" && !ui.ThemeKnown(f.theme) {
		return &usageError{fmt.Errorf("unknown theme %q", f.theme), "--theme " + strings.Join(ui.Themes[:], ", ")}
	}
	if f.borders != "" && f.borders != ui.BordersASCII && f.borders != ui.BordersUnicode {
		return &usageError{fmt.Errorf("unknown borders %q", f.borders), "--borders unicode or --borders ascii"}
	}
	if f.notify != "" {
		if err := checkHook(f.notify); err != nil {
			return err
		}
	}
	if f.plain && f.headless {
		return &usageError{errors.New("--plain and --headless exclude each other"), "--plain is for people, --headless for programs"}
	}
	return f.lookFlags.check()
}

// lookFlags say how pictures are drawn.
type lookFlags struct{ look, rate string }

func (f *lookFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.look, "look", "", "how pictures are drawn: auto, "+strings.Join(lookNames(), ", ")+" (default auto, or as last chosen with r on this terminal)")
	fl.StringVar(&f.rate, "term-rate", "auto", "`bytes` a second for the terminal at most, such as 200k: auto (200k over ssh), none")
}

// lookNames returns the names of the looks, the finer ones first.
func lookNames() (names []string) {
	for l := range ascii.EveryLook {
		names = append(names, l.String())
	}
	slices.Reverse(names)
	return names
}

func (f *lookFlags) check() error {
	if _, _, err := parseLook(f.look); err != nil {
		return err
	}
	_, _, err := parseRate(f.rate)
	return err
}

// parseLook returns the look of a name; auto for "auto" and for "".
func parseLook(s string) (l ascii.Look, auto bool, err error) {
	if s == "" || s == autoLook {
		return 0, true, nil
	}
	if l, err = ascii.ParseLook(s); err != nil {
		return 0, false, &usageError{fmt.Errorf("unknown look %q", s), "--look auto, or one of: " + strings.Join(lookNames(), ", ")}
	}
	return l, false, nil
}

// sshRate is what pictures may take of a terminal at the other end of ssh, in
// bytes a second: 1.6 Mbit/s, which leaves room for the call on a common link.
const sshRate = 200_000

// minRate is the least that --term-rate takes: below it not even words would
// keep up.
const minRate = 2_000

// parseRate returns the bytes a second that s stands for, 0 for no limit.
func parseRate(s string) (rate int, auto bool, err error) {
	wrong := &usageError{fmt.Errorf("--term-rate %q is no number of bytes a second from %d up", s, minRate), "--term-rate 200k, --term-rate auto or --term-rate none"}
	switch s {
	case "auto":
		return 0, true, nil
	case "none":
		return 0, false, nil
	}
	unit := 1
	switch digits, suffix := strings.TrimRight(s, "kKM"), strings.TrimLeft(s, "0123456789"); suffix {
	case "":
	case "k", "K":
		s, unit = digits, 1_000
	case "M":
		s, unit = digits, 1_000_000
	default:
		return 0, false, wrong
	}
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || n*uint64(unit) < minRate || n*uint64(unit) > 1<<31-1 {
		return 0, false, wrong
	}
	return int(n) * unit, false, nil
}

// A shownAs is how the screen is to show pictures.
type shownAs struct {
	terminal term.Info
	look     ascii.Look
	auto     bool
	rate     int
	chosen   func(ascii.Look, bool) // remembers what the person chooses
	settings *settings
}

// screen finds out what the terminal can show, and how the person wants it.
// The flags were checked.
func (e Env) screen(f lookFlags) (s shownAs) {
	s.terminal = term.Ask(e.Getenv)
	if s.terminal.Colors == ascii.ColorsTrue && e.Setenv != nil {
		_ = e.Setenv("COLORTERM", "truecolor") // for tcell, which does not ask
	}
	s.look, s.auto, _ = parseLook(f.look)
	var autoRate bool
	if s.rate, autoRate, _ = parseRate(f.rate); autoRate && s.terminal.Remote {
		s.rate = sshRate
	}
	name := s.terminal.Name
	if f.look == "" && name != "" {
		s.look, s.auto, _ = parseLook(e.rememberedLook(name))
	}
	s.chosen = func(l ascii.Look, auto bool) {
		if name == "" {
			return
		}
		word := autoLook
		if !auto {
			word = l.String()
		}
		_ = e.rememberLook(name, word) // it is only a convenience
	}
	return s
}

// paint has words be in colours whatever NO_COLOR says, if the person has named a
// theme that has some. Pictures stay without.
func (e Env) paint(theme string) {
	if theme != "" && theme != "auto" && theme != "mono" && e.Setenv != nil {
		_ = e.Setenv("NO_COLOR", "") // for tcell, which reads it
	}
}

// looksLimit bounds the file of looks: some hundred terminals.
const looksLimit = 16 << 10

// rememberedLook returns the look that was last chosen on the terminal called
// name, "" if none was, or none that this version knows.
func (e Env) rememberedLook(name string) string {
	dir, err := e.configDir()
	if err != nil {
		return ""
	}
	b, err := file.Read(filepath.Join(dir, "looks"), looksLimit, file.OwnerWrites)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if terminal, look, ok := strings.Cut(strings.TrimSpace(line), " "); ok && terminal == name {
			if _, _, err := parseLook(look); err == nil {
				return look
			}
		}
	}
	return ""
}

// rememberLook notes the look chosen on a terminal, in place of the one before.
func (e Env) rememberLook(name, look string) error {
	dir, err := e.configDir()
	if err != nil {
		return err
	}
	change := func(b []byte) ([]byte, bool) {
		var out []byte
		for line := range strings.Lines(string(b)) {
			if terminal, _, _ := strings.Cut(line, " "); terminal != name {
				out = append(out, strings.TrimRight(line, "\n")+"\n"...)
			}
		}
		return append(out, name+" "+look+"\n"...), true
	}
	if err := file.Update(filepath.Join(dir, "looks"), looksLimit, file.OwnerWrites, change); err != nil {
		return fmt.Errorf("remember look: %w", err)
	}
	return nil
}

// uiConfig returns the part of a screen's Config that s decides.
func (s *shownAs) uiConfig(f *screenFlags) ui.Config {
	c := ui.Config{Terminal: s.terminal, Look: s.look, Auto: s.auto, LookChosen: s.chosen, Rate: s.rate, Mouse: true}
	c.Settings, c.Borders = s.settings.screen(), s.settings.borders()
	c.Keep = func(u ui.Settings) { s.settings.keep(u, f.theme, f.noMouse) }
	if f.theme != "" {
		c.Settings.Theme = f.theme
	}
	c.Settings.NoMouse = c.Settings.NoMouse || f.noMouse
	if f.borders != "" {
		c.Borders = f.borders
	}
	return c
}

// noScreen adds a hint to the error of a screen that could not be opened.
func noScreen(err error) error {
	if errors.Is(err, ui.ErrTerminal) {
		return &hinted{err, "run it in a terminal, or without one: --plain or --headless", exitFailed}
	}
	return err
}
