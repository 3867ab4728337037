package term

import (
	"io"
	"time"
)

// How long the last answer is waited for, of a terminal here and of one at the
// other end of ssh. A terminal answers within 100 ms, and 200 ms through ssh,
// or something is wrong; but what came after all when nobody reads it any more
// would be taken for keys, letter by letter.
const (
	near = 500 * time.Millisecond
	far  = 1500 * time.Millisecond
)

// The questions. The last is one that every terminal answers, after the others.
const (
	askName   = "\x1b[>0q"                                  // XTVERSION
	askColour = "\x1b[48;2;1;2;3m" + "\x1bP$qm\x1b\\\x1b[m" // DECRQSS: what became of a background
	askSync   = "\x1b[?2026$p"                              // DECRQM
	askGround = "\x1b]11;?\x1b\\"                           // the background
	askLast   = "\x1b[c"                                    // DA1
	hide      = "\x1b7"                                     // remember the cursor and its colours
	cover     = "\x1b8\x1b[K"                               // go back there, and wipe out what was shown of questions
)

// questions returns what to ask the terminal of these variables, "" for
// nothing.
func questions(env func(string) string) string {
	switch name, _ := named(env); {
	case !isEmulator(env("TERM")):
		return ""
	case name == "screen", name == "apple_terminal":
		// screen hands the inside of DCS to the terminal around it, as text; so
		// does Terminal.app, which takes the end of DECRQM for text as well.
		return askGround + askLast
	default:
		return hide + askName + askColour + askSync + askGround + cover + askLast
	}
}

// Ask finds out about the terminal of this process, by its variables and by
// asking it if standard input and output are that terminal. It must be called
// before anything else reads the terminal, and not while something does: what
// is typed meanwhile is lost. The terminal is left as it was, with nothing on
// it that was not there.
//
// Terminals answer within milliseconds. One that does not costs half a second,
// and one and a half at the other end of ssh.
func Ask(env func(string) string) Info {
	var a answers
	if q := questions(env); q != "" {
		limit := near
		if isRemote(env) {
			limit = far
		}
		askTerminal(&a, q, limit)
	}
	return conclude(env, &a)
}

// A line is a terminal that hands over each byte as it comes.
type line interface {
	io.Writer

	// receive waits for d at most and reads what has come. n is 0 when nothing
	// has.
	receive(b []byte, d time.Duration) (n int, err error)
}

// ask sends the questions and reads until the last answer has come, or nobody
// waits any more.
func ask(l line, a *answers, questions string, limit time.Duration) {
	end := time.Now().Add(limit)
	if n, err := io.WriteString(l, questions); err != nil && n == 0 {
		return // nothing was asked
	}
	var buf [maxAnswer]byte
	for !a.last {
		left := time.Until(end)
		if left <= 0 {
			return
		}
		n, err := l.receive(buf[:], left)
		a.feed(buf[:n])
		if err != nil {
			return
		}
	}
}
