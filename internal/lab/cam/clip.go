package cam

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"strings"
	"time"
)

// maxClip bounds the memory that a Clip takes, in bytes.
const maxClip = 1 << 29

// A Clip is a y4m file played in a loop at its own rate.
type Clip struct {
	w, h   int
	period time.Duration
	frames [][]byte
}

// LoadClip reads the y4m file at path into memory: 8 bits, 4:2:0, even sizes.
func LoadClip(path string) (*Clip, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := readClip(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read clip %s: %w", path, err)
	}
	return c, nil
}

func readClip(r *bufio.Reader) (*Clip, error) {
	head, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	c, err := parseHead(head)
	if err != nil {
		return nil, err
	}
	n := c.w * c.h * 3 / 2
	for total := n; total <= maxClip; total += n {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) && line == "" {
			break
		}
		if err != nil || !strings.HasPrefix(line, "FRAME") {
			return nil, fmt.Errorf("after frame %d: %q", len(c.frames), line)
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, fmt.Errorf("frame %d: %w", len(c.frames), err)
		}
		c.frames = append(c.frames, b)
	}
	if len(c.frames) == 0 {
		return nil, errors.New("no frames")
	}
	return c, nil
}

// parseHead reads the first line of a y4m file.
func parseHead(head string) (*Clip, error) {
	words := strings.Fields(head)
	if len(words) == 0 || words[0] != "YUV4MPEG2" {
		return nil, errors.New("not y4m")
	}
	c := &Clip{period: time.Second / 30}
	for _, w := range words[1:] {
		var num, den int
		var err error
		switch w[0] {
		case 'W':
			_, err = fmt.Sscan(w[1:], &c.w)
		case 'H':
			_, err = fmt.Sscan(w[1:], &c.h)
		case 'F':
			_, err = fmt.Sscanf(w[1:], "%d:%d", &num, &den)
			if num > 0 && den > 0 {
				c.period = time.Duration(den) * time.Second / time.Duration(num)
			}
		case 'C':
			if !strings.HasPrefix(w, "C420") || strings.HasPrefix(w, "C420p1") {
				err = errors.New("only 4:2:0 with 8 bits")
			}
		}
		if err != nil {
			return nil, fmt.Errorf("header word %q: %w", w, err)
		}
	}
	if c.w < 2 || c.h < 2 || c.w > 8192 || c.h > 8192 || c.w%2+c.h%2 != 0 {
		return nil, fmt.Errorf("size %dx%d", c.w, c.h)
	}
	return c, nil
}

// Size returns the size of the clip's pictures.
func (c *Clip) Size() image.Point { return image.Pt(c.w, c.h) }

// Len returns how many pictures the clip has.
func (c *Clip) Len() int { return len(c.frames) }

// Luma returns the luma of picture i, row by row; it is not to be changed.
func (c *Clip) Luma(i int) []byte { return c.frames[i][:c.w*c.h] }

// Draw draws the picture to be seen at time t. t is rounded to the nearest
// picture, so that a camera of the clip's rate shows every one in spite of
// jitter.
func (c *Clip) Draw(img *image.YCbCr, t time.Duration) {
	b := c.frames[int((t+c.period/2)/c.period)%len(c.frames)]
	copy(img.Y, b[:c.w*c.h])
	b = b[c.w*c.h:]
	n := len(b) / 2
	copy(img.Cb, b[:n])
	copy(img.Cr, b[n:])
}
