package device

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// Limits of what is taken from a y4m file.
const (
	y4mMaxLine = 1024    // bytes of a header line
	y4mMaxSide = 8192    // pixels
	y4mMaxArea = 1 << 24 // pixels
	y4mMaxRate = 240     // pictures a second
)

// A y4mChroma says how the colour planes are sampled.
type y4mChroma uint8

const (
	y4m420 y4mChroma = iota
	y4m422
	y4m444
	y4mMono
)

// plane returns the size of each of the two colour planes of w x h pixels.
func (c y4mChroma) plane(w, h int) (cw, ch int) {
	switch c {
	case y4m420:
		return (w + 1) / 2, (h + 1) / 2
	case y4m422:
		return (w + 1) / 2, h
	case y4m444:
		return w, h
	default:
		return 0, 0
	}
}

// A y4mHeader is what the first line of a y4m file says
// (https://wiki.multimedia.cx/index.php/YUV4MPEG2). Files with more than 8 bits
// a sample are not understood.
type y4mHeader struct {
	w, h     int
	num, den int // pictures per den seconds; 0:0 if the file does not say
	chroma   y4mChroma
	full     bool // full range: 0 to 255
}

// period returns the time from picture to picture.
func (h y4mHeader) period() time.Duration {
	if h.num == 0 {
		return time.Second / 30
	}
	return time.Duration(h.den) * time.Second / time.Duration(h.num)
}

// parseY4M reads the first line of a y4m file, without its end.
func parseY4M(line []byte) (y4mHeader, error) {
	var h y4mHeader
	words := bytes.Split(line, []byte(" "))
	if string(words[0]) != "YUV4MPEG2" {
		return h, fmt.Errorf("%w: not y4m", ErrFormat)
	}
	for _, word := range words[1:] {
		if len(word) == 0 {
			continue
		}
		if err := h.parseWord(word[0], string(word[1:])); err != nil {
			return y4mHeader{}, fmt.Errorf("%w: y4m header %q", err, word)
		}
	}
	if h.w == 0 || h.h == 0 || h.w*h.h > y4mMaxArea {
		return y4mHeader{}, fmt.Errorf("%w: %dx%d pixels", ErrFormat, h.w, h.h)
	}
	return h, nil
}

// parseWord reads one parameter of the header. Those that do not matter here,
// such as interlacing, are ignored.
func (h *y4mHeader) parseWord(key byte, value string) (err error) {
	switch key {
	case 'W':
		h.w, err = parseInt(value, y4mMaxSide)
	case 'H':
		h.h, err = parseInt(value, y4mMaxSide)
	case 'F':
		h.num, h.den, err = parseRate(value)
	case 'C':
		h.chroma, err = parseY4MChroma(value)
	case 'X':
		switch value {
		case "COLORRANGE=FULL":
			h.full = true
		case "COLORRANGE=LIMITED":
			h.full = false
		}
	}
	return err
}

// parseInt reads a number from 1 to limit.
func parseInt(s string, limit int) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || n == 0 || n > uint64(limit) {
		return 0, ErrFormat
	}
	return int(n), nil
}

// parseRate reads a rate such as 30000:1001; 0:0 stands for unknown.
func parseRate(s string) (num, den int, err error) {
	before, after, ok := strings.Cut(s, ":")
	if !ok {
		return 0, 0, ErrFormat
	}
	if before == "0" && after == "0" {
		return 0, 0, nil
	}
	const limit = 1 << 24
	num, errNum := parseInt(before, limit)
	den, errDen := parseInt(after, limit)
	// Down to a picture in 10 s.
	if errNum != nil || errDen != nil || num > y4mMaxRate*den || den > 10*num {
		return 0, 0, ErrFormat
	}
	return num, den, nil
}

// parseY4MChroma reads how colour is sampled. The names of 4:2:0 differ in
// where the samples lie, by half a pixel, which does not matter here.
func parseY4MChroma(s string) (y4mChroma, error) {
	switch s {
	case "420", "420jpeg", "420mpeg2", "420paldv":
		return y4m420, nil
	case "422":
		return y4m422, nil
	case "444":
		return y4m444, nil
	case "mono":
		return y4mMono, nil
	}
	return 0, ErrFormat
}

// append appends the header as a line of a file.
func (h y4mHeader) append(b []byte) []byte {
	colour := [...]string{y4m420: "420", y4m422: "422", y4m444: "444", y4mMono: "mono"}[h.chroma]
	b = fmt.Appendf(b, "YUV4MPEG2 W%d H%d F%d:%d C%s", h.w, h.h, h.num, h.den, colour)
	if h.full {
		b = append(b, " XCOLORRANGE=FULL"...)
	}
	return append(b, '\n')
}

// A y4mReader takes pictures out of a y4m file.
type y4mReader struct {
	r       *bufio.Reader
	head    y4mHeader
	cb, cr  []byte // planes that are not 4:2:0
	headLen int64  // bytes of the first line
}

// newY4MReader reads the header.
func newY4MReader(r io.Reader) (*y4mReader, error) {
	y := &y4mReader{r: bufio.NewReaderSize(r, 1<<16)}
	line, err := y.line()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: empty", ErrFormat)
	}
	if err != nil {
		return nil, err
	}
	y.headLen = int64(len(line)) + 1
	y.head, err = parseY4M(line)
	return y, err
}

// line returns the next line without its end. It is valid until the next read.
func (y *y4mReader) line() ([]byte, error) {
	line, err := y.r.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF) && len(line) == 0:
		return nil, io.EOF
	case errors.Is(err, io.EOF) || errors.Is(err, bufio.ErrBufferFull) || len(line) > y4mMaxLine:
		return nil, fmt.Errorf("%w: y4m line of %d bytes or more", ErrFormat, len(line))
	case err != nil:
		return nil, err
	}
	return line[:len(line)-1], nil
}

// next stores the next picture in f, with colour if chroma is set. It returns
// io.EOF after the last one.
func (y *y4mReader) next(f *media.Frame, chroma bool) error {
	if err := y.marker(); err != nil {
		return err
	}
	h := y.head
	f.Resize(h.w, h.h, chroma)
	cw, ch := h.chroma.plane(h.w, h.h)
	if err := y.read(f.Y); err != nil {
		return err
	}
	switch {
	case !chroma:
		if err := y.discard(2 * cw * ch); err != nil {
			return err
		}
	case h.chroma == y4mMono:
		gray(f.Cb)
		gray(f.Cr)
	case h.chroma == y4m420:
		if err := errors.Join(y.read(f.Cb), y.read(f.Cr)); err != nil {
			return err
		}
	default:
		y.cb, y.cr = resize(y.cb, cw*ch), resize(y.cr, cw*ch)
		if err := errors.Join(y.read(y.cb), y.read(y.cr)); err != nil {
			return err
		}
		shrink(f.Cb, f.CStride, y.cb, cw, ch, f.CStride < cw)
		shrink(f.Cr, f.CStride, y.cr, cw, ch, f.CStride < cw)
	}
	if !h.full {
		stretch(f)
	}
	return nil
}

// skip leaves out the next picture.
func (y *y4mReader) skip() error {
	if err := y.marker(); err != nil {
		return err
	}
	cw, ch := y.head.chroma.plane(y.head.w, y.head.h)
	return y.discard(y.head.w*y.head.h + 2*cw*ch)
}

// marker reads the line before a picture.
func (y *y4mReader) marker() error {
	line, err := y.line()
	if err != nil {
		return err
	}
	word, _, _ := bytes.Cut(line, []byte(" "))
	if string(word) != "FRAME" {
		return fmt.Errorf("%w: y4m picture starts with %q", ErrFormat, word)
	}
	return nil
}

// read fills b; the end of the file is no proper one within a picture.
func (y *y4mReader) read(b []byte) error {
	if _, err := io.ReadFull(y.r, b); err != nil {
		return cutShort(err)
	}
	return nil
}

func (y *y4mReader) discard(n int) error {
	_, err := y.r.Discard(n)
	return cutShort(err)
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: y4m picture cut short", ErrFormat)
	}
	return err
}

// shrink makes dst, a 4:2:0 plane of dw samples a row, of the plane src of
// sw x sh samples: it takes the mean of two rows, or where halfWidth is set of two samples
// in each of two rows.
func shrink(dst []byte, dw int, src []byte, sw, sh int, halfWidth bool) {
	for y := range len(dst) / dw {
		a := src[2*y*sw:][:sw]
		b := a
		if 2*y+1 < sh {
			b = src[(2*y+1)*sw:][:sw]
		}
		row := dst[y*dw:][:dw]
		for x := range row {
			if !halfWidth {
				row[x] = byte((int(a[x]) + int(b[x]) + 1) / 2)
				continue
			}
			x0, x1 := 2*x, min(2*x+1, sw-1)
			row[x] = byte((int(a[x0]) + int(a[x1]) + int(b[x0]) + int(b[x1]) + 2) / 4)
		}
	}
}

// stretchLuma and stretchChroma map limited range, 16..235 and 16..240, to full
// range.
var stretchLuma, stretchChroma = stretchTables()

func stretchTables() (luma, chroma [256]byte) {
	for i := range 256 {
		// + 109 and + 112 round to the nearest: half of the divisor.
		luma[i] = byte(min((max(i-16, 0)*255+109)/219, 255))
		chroma[i] = byte(min(max(((i-128)*255+128*224+112)/224, 0), 255))
	}
	return luma, chroma
}

// stretch makes f full range.
func stretch(f *media.Frame) {
	for i, v := range f.Y {
		f.Y[i] = stretchLuma[v]
	}
	for i, v := range f.Cb {
		f.Cb[i] = stretchChroma[v]
	}
	for i, v := range f.Cr {
		f.Cr[i] = stretchChroma[v]
	}
}

// gray makes a plane of chroma colourless.
func gray(b []byte) {
	for i := range b {
		b[i] = 128
	}
}

// resize returns b with n bytes, whatever they are.
func resize(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// A y4mClip is a source that repeats a y4m file at its own rate.
type y4mClip struct {
	*pacer
	file   *os.File
	chroma bool
	y      *y4mReader
	shown  int64 // ticks that had their picture, or were too late for it
}

func openY4M(path string, c VideoConfig) (media.VideoSource, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s, err := newY4MClip(file, c.Chroma)
	if err != nil {
		_ = file.Close() // only read
		return nil, err
	}
	return s, nil
}

func newY4MClip(file *os.File, chroma bool) (*y4mClip, error) {
	st, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() { // it could not be repeated
		return nil, fmt.Errorf("%w: no plain file", ErrFormat)
	}
	y, err := newY4MReader(file)
	if err != nil {
		return nil, err
	}
	return &y4mClip{pacer: newPacer(y.head.period()), file: file, chroma: chroma, y: y}, nil
}

// ReadFrame waits for the next picture. One that is late by a whole picture is
// left out.
func (s *y4mClip) ReadFrame(f *media.Frame) error {
	n, at, err := s.wait()
	if err != nil {
		return err
	}
	// After a long pause, such as a night's sleep, the clip just goes on.
	const maxSkip = y4mMaxRate
	for range min(n-s.shown, maxSkip) {
		if err := s.again(s.y.skip); err != nil {
			return err
		}
	}
	s.shown = n + 1
	f.At = at
	return s.again(func() error { return s.y.next(f, s.chroma) })
}

// again calls step, and once more from the first picture if the file was at its
// end.
func (s *y4mClip) again(step func() error) error {
	err := step()
	if !errors.Is(err, io.EOF) {
		return s.failed(err)
	}
	if _, err := s.file.Seek(s.y.headLen, io.SeekStart); err != nil {
		return s.failed(err)
	}
	s.y.r.Reset(s.file)
	if err = step(); errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: no pictures", ErrFormat)
	}
	return s.failed(err)
}

// failed returns err, or that the clip is closed if that is the reason.
func (s *y4mClip) failed(err error) error {
	if err != nil {
		select {
		case <-s.done:
			return os.ErrClosed
		default:
		}
	}
	return err
}

// Close ends the source.
func (s *y4mClip) Close() error {
	s.pacer.close()
	if err := s.file.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil // closed before
}
