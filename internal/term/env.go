package term

import (
	"strings"

	"github.com/sanix-darker/s2c/ascii"
)

// emulators are the beginnings of the TERM of terminals that understand enough
// to be asked, and that draw blocks. Others may show a question as text.
var emulators = []string{
	"xterm", "tmux", "screen", "rxvt", "foot", "kitty", "alacritty", "wezterm", "contour", "ghostty", "rio",
	"konsole", "vte", "gnome", "mlterm", "mintty", "iterm", "st-",
}

// isEmulator reports whether term is the TERM of one of the emulators.
func isEmulator(term string) bool {
	for _, e := range emulators {
		if strings.HasPrefix(term, e) {
			return true
		}
	}
	return term == "st"
}

// multiplexer returns "tmux" or "screen" inside of those, else "". What the
// variables say of a terminal is then said of one around it, or of one that
// has been left since.
func multiplexer(env func(string) string) string {
	switch term := env("TERM"); {
	case strings.HasPrefix(term, "tmux"):
		return "tmux"
	case env("STY") != "":
		return "screen"
	case env("TMUX") != "":
		return "tmux"
	case strings.HasPrefix(term, "screen"): // or a tmux at the other end of ssh
		return "screen"
	}
	return ""
}

// named returns what the variables say the terminal is.
func named(env func(string) string) (name, version string) {
	if m := multiplexer(env); m != "" {
		if strings.EqualFold(env("TERM_PROGRAM"), m) {
			version = word(env("TERM_PROGRAM_VERSION"))
		}
		return m, version
	}
	term := env("TERM")
	if own := strings.TrimPrefix(term, "xterm-"); own != term && isEmulator(own) {
		term = own // xterm-kitty, xterm-ghostty
	}
	if term != "" && !strings.HasPrefix(term, "xterm") {
		if strings.HasPrefix(term, "vte") || strings.HasPrefix(term, "gnome") {
			return "vte", word(env("VTE_VERSION"))
		}
		name, _, _ = strings.Cut(term, "-")
		return strings.ToLower(word(name)), ""
	}
	return program(env)
}

// program is named for a terminal that poses as xterm.
func program(env func(string) string) (name, version string) {
	if p := env("TERM_PROGRAM"); p != "" {
		name, version = strings.ToLower(word(p)), word(env("TERM_PROGRAM_VERSION"))
		if name == "iterm.app" {
			name = "iterm2"
		}
		return name, version
	}
	if env("WT_SESSION") != "" {
		return "windows-terminal", ""
	}
	if v := env("KONSOLE_VERSION"); len(v) == 6 { // 221203
		return "konsole", word(v[:2] + "." + v[2:4] + "." + v[4:])
	}
	if v := env("VTE_VERSION"); v != "" {
		return "vte", word(v)
	}
	if v := env("XTERM_VERSION"); v != "" { // XTerm(379)
		return identify(v)
	}
	if p := env("LC_TERMINAL"); p != "" { // goes through ssh
		return strings.ToLower(word(p)), word(env("LC_TERMINAL_VERSION"))
	}
	return "", ""
}

// isUTF8 reports whether the locale has that encoding. It has it unless it says
// otherwise, as for tcell, which writes the characters.
func isUTF8(env func(string) string) bool {
	if !localeMatters {
		return true
	}
	locale := ""
	for _, v := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale = env(v); locale != "" {
			break
		}
	}
	if locale == "C" || locale == "POSIX" {
		return false
	}
	locale, _, _ = strings.Cut(locale, "@")
	_, encoding, ok := strings.Cut(locale, ".")
	return !ok || strings.EqualFold(encoding, "UTF-8") || strings.EqualFold(encoding, "UTF8")
}

// colours returns what TERM and COLORTERM promise.
func colours(env func(string) string) ascii.Colors {
	term, more := env("TERM"), env("COLORTERM")
	switch {
	case term == "":
		return colorsWithoutTERM
	case term == "dumb", term == "unknown", strings.HasSuffix(term, "-mono"), strings.HasSuffix(term, "-m"):
		return ascii.ColorsNone
	case strings.HasPrefix(term, "vt") && !isEmulator(term): // vt100
		return ascii.ColorsNone
	case strings.HasPrefix(term, "linux"):
		return ascii.Colors16 // of 24 bits it takes, it shows the nearest
	case strings.Contains(term, "-direct"), strings.HasSuffix(term, "-truecolor"):
		return ascii.ColorsTrue
	case multiplexer(env) == "screen":
		// It has 24 bits since 5.0, when told so: what is inherited says nothing.
	case more == "truecolor", more == "24bit", more == "24-bit":
		return ascii.ColorsTrue
	}
	if strings.Contains(term, "256color") {
		return ascii.Colors256
	}
	return ascii.Colors16
}

// blocks reports whether the terminal draws half blocks, quadrants and braille.
func blocks(env func(string) string, name string) bool {
	switch name {
	case "apple_terminal", "rxvt":
		return false // no quadrants; no braille (notcurses, src/lib/termdesc.c)
	}
	// The Linux console, among others, has a font of 256 or 512 characters.
	term := env("TERM")
	return isUTF8(env) && (isEmulator(term) || term == "" && name == "windows-terminal")
}

// isLightIn reports whether COLORFGBG, "15;0" or "0;default;15", names one of
// the lighter colours as the background: white, or a bright one but dark gray.
func isLightIn(colorfgbg string) bool {
	i := strings.LastIndexByte(colorfgbg, ';')
	if i < 0 {
		return false
	}
	switch colorfgbg[i+1:] {
	case "7", "9", "10", "11", "12", "13", "14", "15":
		return true
	}
	return false
}

// conclude puts together what the variables tell and what the terminal said.
func conclude(env func(string) string, a *answers) Info {
	i := Info{
		Colors: colours(env),
		Sync:   a.sync,
		Light:  isLightIn(env("COLORFGBG")),
		Remote: isRemote(env),
	}
	i.Name, i.Version = named(env)
	spoken := a.name != ""
	if spoken {
		i.Name, i.Version = a.name, a.version
	}
	k := kindOf(i.Name)
	if i.Colors < ascii.ColorsNone {
		if k.deep {
			i.Colors = ascii.ColorsTrue
		}
		i.Colors = min(i.Colors, a.colours())
	}
	if env("NO_COLOR") != "" {
		i.Colors = ascii.ColorsNone
	}
	if i.Blocks = blocks(env, i.Name); i.Blocks {
		i.Sextants, i.Octants = k.draws(i.Version, spoken)
	}
	if a.ground != unknownGround {
		i.Light = a.ground == lightGround
	}
	return i
}

// isRemote reports whether the terminal is at the other end of ssh.
func isRemote(env func(string) string) bool {
	return env("SSH_CONNECTION") != "" || env("SSH_TTY") != ""
}
