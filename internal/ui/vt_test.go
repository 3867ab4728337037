package ui

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/uniseg"
)

// A vtCell is one cell of a vt: its character and colours as they were told.
type vtCell struct {
	text   string
	fg, bg string // parameters of SGR: "", "38;2;1;2;3", "32"
	attrs  string
}

// A vt is a terminal that understands what tcell and this package write to an
// xterm. It is a tcell.Tty.
type vt struct {
	mu      sync.Mutex
	w, h    int
	cells   []vtCell
	x, y    int
	pen     vtCell // the colours and attributes of what is written next
	saved   vtCell
	sx, sy  int
	sync    bool   // synchronized output has begun
	rest    []byte // an incomplete sequence
	unknown []string
	osc     []string // what operating system commands were, without their end
	writes  int      // Write calls that changed a cell with DECSC around, so by this package
	bytes   int
	fail    error         // of Write
	slow    time.Duration // how long Write takes for pictures

	resized func()
	in      chan []byte
	drained chan struct{}
	running bool
}

func newVT(w, h int) *vt {
	v := &vt{in: make(chan []byte, 16)}
	v.setSize(w, h)
	return v
}

// setSize gives the terminal another size, keeping what fits.
func (v *vt) setSize(w, h int) {
	v.mu.Lock()
	old, ow, oh := v.cells, v.w, v.h
	v.w, v.h, v.cells = w, h, make([]vtCell, w*h)
	for i := range v.cells {
		v.cells[i].text = " "
		if x, y := i%w, i/w; x < ow && y < oh {
			v.cells[i] = old[y*ow+x]
		}
	}
	v.x, v.y = min(v.x, w-1), min(v.y, h-1)
	f := v.resized
	v.mu.Unlock()
	if f != nil {
		f()
	}
}

func (v *vt) Start() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.running, v.drained = true, make(chan struct{})
	return nil
}

func (v *vt) Stop() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.running = false
	return nil
}

func (v *vt) Drain() error { close(v.drained); return nil }
func (v *vt) Close() error { return nil }

func (v *vt) NotifyResize(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.resized = f
}

func (v *vt) WindowSize() (tcell.WindowSize, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return tcell.WindowSize{Width: v.w, Height: v.h, PixelWidth: 9 * v.w, PixelHeight: 20 * v.h}, nil
}

func (v *vt) Read(b []byte) (int, error) {
	select {
	case s := <-v.in:
		return copy(b, s), nil
	case <-v.drained:
		return 0, io.EOF
	}
}

func (v *vt) Write(b []byte) (int, error) {
	v.mu.Lock()
	slow := v.slow
	v.mu.Unlock()
	if len(b) > 1000 {
		time.Sleep(slow)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fail != nil {
		return 0, v.fail
	}
	v.bytes += len(b)
	if strings.HasPrefix(string(b), beginWrite) {
		v.writes++
		if !strings.HasSuffix(string(b), endWrite) {
			v.unknown = append(v.unknown, "a write that does not end what it began")
		}
	}
	v.rest = append(v.rest, b...)
	for len(v.rest) > 0 {
		n := v.one(v.rest)
		if n == 0 {
			break
		}
		v.rest = v.rest[n:]
	}
	return len(b), nil
}

// one takes one character or sequence from b and returns its length, or 0 when
// it is not complete.
func (v *vt) one(b []byte) int {
	switch c := b[0]; {
	case c == '\x1b':
		return v.escape(b)
	case c == '\b':
		v.x = max(v.x-1, 0)
		return 1
	case c < ' ' || c == 0x7f:
		v.unknown = append(v.unknown, fmt.Sprintf("%q", c))
		return 1
	}
	if !utf8.FullRune(b) {
		return 0
	}
	r, n := utf8.DecodeRune(b)
	v.print(string(r))
	return n
}

// print writes a character. It never wraps: the programs turn that off.
func (v *vt) print(s string) {
	w := uniseg.StringWidth(s)
	if w == 0 { // a mark belongs to the character before
		if i := v.y*v.w + v.x - 1; v.x > 0 {
			v.cells[i].text += s
		}
		return
	}
	if v.x+w > v.w {
		v.x = v.w - w
	}
	c := v.pen
	c.text = s
	v.cells[v.y*v.w+v.x] = c
	if w == 2 {
		c.text = ""
		v.cells[v.y*v.w+v.x+1] = c
	}
	v.x += w
}

func (v *vt) escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '7':
		v.saved, v.sx, v.sy = v.pen, v.x, v.y
		return 2
	case '8':
		v.pen, v.x, v.y = v.saved, v.sx, v.sy
		return 2
	case '=', '>':
		return 2
	case '(', ')':
		return min(3, len(b)/3*3)
	case ']':
		for i := 2; i < len(b); i++ {
			if b[i] == '\a' || b[i] == '\\' && b[i-1] == '\x1b' {
				v.osc = append(v.osc, strings.TrimRight(string(b[2:i]), "\x1b"))
				return i + 1
			}
		}
		return 0
	case '[':
		for i := 2; i < len(b); i++ {
			if b[i] >= 0x40 && b[i] <= 0x7e {
				v.control(string(b[2:i]), b[i])
				return i + 1
			}
		}
		return 0
	}
	v.unknown = append(v.unknown, fmt.Sprintf("ESC %q", b[1]))
	return 2
}

// control does a control sequence.
func (v *vt) control(params string, final byte) {
	p := strings.Split(params, ";")
	arg := func(i, def int) int {
		if i < len(p) {
			if n, err := strconv.Atoi(p[i]); err == nil {
				return n
			}
		}
		return def
	}
	switch {
	case final == 'm':
		v.colours(p)
	case final == 'H':
		v.y, v.x = min(max(arg(0, 1), 1), v.h)-1, min(max(arg(1, 1), 1), v.w)-1
	case final == 'C':
		v.x = min(v.x+max(arg(0, 1), 1), v.w-1)
	case final == 'J':
		for i := range v.cells {
			v.cells[i] = v.pen
			v.cells[i].text = " "
		}
	case params == "?2026":
		v.sync = final == 'h'
	case final == 'h', final == 'l', final == 't', final == 'q', final == 'u', final == 'n', final == 'p':
		// modes, titles, cursor shapes
	default:
		v.unknown = append(v.unknown, fmt.Sprintf("CSI %s %c", params, final))
	}
}

// colours does an SGR sequence.
func (v *vt) colours(p []string) {
	for i := 0; i < len(p); i++ {
		n, _ := strconv.Atoi(p[i])
		switch {
		case n == 0:
			v.pen = vtCell{}
		case n == 1, n == 2, n == 7:
			v.pen.attrs += p[i] + ";"
		case n == 38 || n == 48:
			length := 3
			if i+1 < len(p) && p[i+1] == "2" {
				length = 5
			}
			c := strings.Join(p[i+1:min(i+length, len(p))], ";")
			if n == 38 {
				v.pen.fg = c
			} else {
				v.pen.bg = c
			}
			i += length - 1
		case n == 27:
			v.pen.attrs = strings.ReplaceAll(v.pen.attrs, "7;", "")
		case n == 39:
			v.pen.fg = ""
		case n == 49:
			v.pen.bg = ""
		case n >= 30 && n <= 37 || n >= 90 && n <= 97:
			v.pen.fg = p[i]
		case n >= 40 && n <= 47 || n >= 100 && n <= 107:
			v.pen.bg = p[i]
		default:
			v.unknown = append(v.unknown, "SGR "+p[i])
		}
	}
}

// written returns how many bytes were written.
func (v *vt) written() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.bytes
}

// text returns the characters in lines.
func (v *vt) text() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var b strings.Builder
	for i, c := range v.cells {
		b.WriteString(c.text)
		if i%v.w == v.w-1 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// snapshot returns a copy of the cells. The foreground of a space does not
// show, so it is left out.
func (v *vt) snapshot() []vtCell {
	v.mu.Lock()
	defer v.mu.Unlock()
	cells := append([]vtCell(nil), v.cells...)
	for i := range cells {
		if cells[i].text == " " && !strings.Contains(cells[i].attrs, "7;") {
			cells[i].fg = ""
		}
	}
	return cells
}
