package main

import (
	"fmt"
	"image"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/video"
)

// ours is the codec of internal/video.
var ours = codec{name: "ours", first: 8, last: 44, code: func(c *clip, quantiser int) (point, error) {
	return play(video.Config{Quantiser: quantiser}, c, c, nil)
}}

// play codes a clip and decodes it again, measuring against another clip of
// the same pictures. each, if not nil, hears of every picture.
func play(config video.Config, c, against *clip, each func(i int, shown *image.YCbCr, ssim float64)) (point, error) {
	var p point
	config.Width, config.Height, config.FPS = c.w, c.h, c.fps
	enc, err := video.NewEncoder(config)
	if err != nil {
		return p, err
	}
	dec := video.NewDecoder()
	var (
		buf            []byte
		name           video.Picture
		shown          image.YCbCr
		bytes          int
		encode, decode time.Duration
	)
	for i, src := range c.pictures {
		start := cpuTime()
		if buf, name, err = enc.Encode(buf[:0], src); err != nil {
			return p, err
		}
		coded := cpuTime()
		if err = dec.Decode(buf, name, &shown); err != nil {
			return p, fmt.Errorf("%s %dx%d, picture %d: %w", c.name, c.w, c.h, i, err)
		}
		encode, decode = encode+coded-start, decode+cpuTime()-coded
		s := lab.SSIM(against.pictures[i], &shown)
		p.ssim += s / float64(len(c.pictures))
		if i == 0 {
			p.key = len(buf)
		} else {
			bytes += len(buf)
			p.largest = max(p.largest, len(buf))
		}
		if each != nil {
			each(i, &shown, s)
		}
	}
	n := len(c.pictures)
	p.kbps = kbps(bytes, n-1, c.fps)
	p.encode = float64(encode.Microseconds()) / 1000 / float64(n)
	p.decode = float64(decode.Microseconds()) / 1000 / float64(n)
	return p, nil
}
