package cli

import (
	"os"

	"golang.org/x/term"
)

// giveBack ends what a screen may have begun: synchronized output, mouse,
// focus and paste reports, application keys, the alternate screen, colours and
// a hidden cursor.
const giveBack = "\x1b[?2026l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?1l\x1b>\x1b[m\x1b[?1049l\x1b[?25h"

// A savedTerminal remembers how the terminal was before a screen took it. The
// screen gives it back itself, unless the program dies elsewhere.
type savedTerminal struct {
	tty   *os.File
	state *term.State
}

// saveTerminal returns nil when there is no terminal.
func saveTerminal() *savedTerminal {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	state, err := term.GetState(int(tty.Fd()))
	if err != nil {
		tty.Close()
		return nil
	}
	return &savedTerminal{tty, state}
}

// restore may be called by any goroutine. Nothing can be done when it fails.
func (s *savedTerminal) restore() {
	if s != nil {
		_, _ = s.tty.WriteString(giveBack)
		_ = term.Restore(int(s.tty.Fd()), s.state)
	}
}

func (s *savedTerminal) close() {
	if s != nil {
		s.tty.Close()
	}
}
