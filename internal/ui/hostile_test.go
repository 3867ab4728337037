package ui

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/trust"
)

// harm is what texts are made of that are to do something to a terminal.
var harm = []string{
	"\x1b", "\x1b[2J", "\x1b[10;10H", "\x1b[31;1m", "\x1b[?1049l", "\x1b[6n", "\x1b[21t", "\x1bc", "\x1b(0", "\x1bZ", "\x05",
	"\x1b]0;title\a", "\x1b]52;c;cm0gLXJmCg==\x1b\\", "\x1b]8;;file:///etc/passwd\x1b\\x\x1b]8;;\x1b\\", "\x1bP$q\"p\x1b\\", "\x1b_G\x1b\\", "\x1b^x\x1b\\",
	"\u009b2J", "\u009d52;c;aGk=\u009c", "\x9b31m", "\x90", "\x00", "\x07", "\b\b\b", "\r", "\n", "\v", "\x7f", "\t",
	"\u202e", "\u202a\u202b\u202d", "\u2066\u2067\u2068", "\u200e\u200f\u061c", "\u200b", "\u200d", "\ufeff", "\u00ad", "\u2028\u2029", "\U000e0041", "\ufe0f",
	"\xff\xfe", "\xc3\x28", "\xe2\x82", "\xf0\x9f\x92", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\uffff", "\ufffe", "\ue000",
	"a\u0301\u0302\u0303\u0304\u0305\u0306\u0307", "👨‍👩‍👧‍👦", "👍🏽", "🇫🇷", "日本", "ﷺ", "\u180e", "ann", "/leave", "you", "y", " ",
	"http://x.example/\x1b]52;c;aGk=\a", "https://\u202eexample",
}

// hostileText returns a text of some of these, one in fifty of which has 10 kB.
func hostileText(rng *rand.Rand) string {
	var b strings.Builder
	size := 1 + rng.IntN(60)
	if rng.IntN(50) == 0 {
		size = 10_000
	}
	for b.Len() < size {
		if rng.IntN(4) == 0 {
			b.WriteByte(byte(rng.IntN(256)))
		}
		b.WriteString(harm[rng.IntN(len(harm))])
	}
	return b.String()
}

// harmed says what the terminal has that it should not have, "" for nothing.
func (v *vt) harmed() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.unknown) > 0 {
		return fmt.Sprintf("got %q", v.unknown)
	}
	for _, s := range v.osc {
		if !strings.HasPrefix(s, "8;") || strings.Contains(s, "file:") {
			return fmt.Sprintf("got the command %q", s)
		}
	}
	for i, c := range v.cells {
		if !utf8.ValidString(c.text) || strings.ContainsFunc(c.text, func(r rune) bool { return !unicode.IsPrint(r) }) || len(c.text) > 60 {
			return fmt.Sprintf("%q in cell %d,%d", c.text, i%v.w, i/v.w)
		}
	}
	return ""
}

// TestHostileTexts has 500 members come whose names, lines and errors are all of
// harm, and looks at each byte that the terminal gets: only what this package and
// tcell are known to write, and printable cells.
func TestHostileTexts(t *testing.T) {
	setTerm(t, true)
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(3)
		ctx, cancel := context.WithCancel(t.Context())
		v, ended := vtRun(ctx, t, Config{Engine: e, Look: ascii.LookHalf})
		v.setSize(130, 40)
		rng := rand.New(rand.NewPCG(5, 6))
		keys := []string{"p", "j", "x", "n", "\t", "\x1b", "?", "\x1b", "i", "\x1b", ":", "\x1b"}
		for i := range 500 {
			name, said := hostileText(rng), hostileText(rng)
			who := hello.Fingerprint{byte(i), byte(i >> 8), 1}
			e.change(func() {
				m := &e.state.Members[i%3]
				m.Name, m.Fingerprint, m.Mark, m.Camera = name, who, trust.Mark(i%4), i%5 > 0
				e.state.Code, e.state.Knocks = [4]string{said, "lake", name, "nine"}, nil
				if i%3 == 0 {
					e.state.Knocks = []call.Knock{{Slot: uint16(i), Name: name, Fingerprint: who}}
				}
				e.err = errors.New(said)
			})
			slot := e.state.Members[i%3].Slot
			for k := range call.SlowLinkOver + 1 {
				if call.NoticeKind(i)%(call.SlowLinkOver+1) == k || k == call.ChatLine {
					e.notices <- call.Notice{Kind: k, Slot: slot, Name: name, Device: said, Text: said, Err: errors.New(said), Fingerprint: who}
				}
			}
			v.in <- []byte(keys[i%len(keys)])
			if i%7 == 0 {
				v.in <- []byte("\x1b[200~" + strings.ReplaceAll(said, "\x1b", "") + "\x1b[201~")
			}
			pass(150 * time.Millisecond)
			if bad := v.harmed(); bad != "" {
				t.Errorf("after text %d, %q and %q, the terminal has %s", i, name, said, bad)
				break
			}
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
	})
}
