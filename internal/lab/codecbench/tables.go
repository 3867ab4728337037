package main

import (
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"strings"

	"github.com/sanix-darker/s2c/internal/video"
)

// compare prints the table of rates at one quality, and what they come to.
func (l *bench) compare(films []string, sizes [][2]int, o options) error {
	with := l.find(o.with)
	head, rule := "| size | clip | ours", "|---|---|---"
	for _, k := range with {
		head += " | " + k.name + " | ratio"
		rule += "|---|---"
	}
	fmt.Printf("kbit/s at SSIM %v, %d pictures a second, %d pictures\n\n", o.ssim, l.fps, o.pictures)
	fmt.Println(head + " | key bytes | largest | encode ms | decode ms |\n" + rule + "|---|---|---|---|")
	logs, counts := make([]float64, len(with)), make([]int, len(with))
	own, rows := 0.0, 0
	for _, size := range sizes {
		for _, film := range films {
			c, err := l.load(film, size[0], size[1], o.pictures)
			if err != nil {
				return err
			}
			p, err := ours.at(c, o.ssim)
			if err != nil {
				return err
			}
			own, rows = own+math.Log(p.kbps), rows+1
			var line strings.Builder
			fmt.Fprintf(&line, "| %dx%d | %s | %.2f", c.w, c.h, c.name, p.kbps)
			for i, k := range with {
				q, err := k.at(c, o.ssim)
				switch {
				case errors.Is(err, errQuality):
					line.WriteString(" | - | -")
					continue
				case err != nil:
					return err
				}
				fmt.Fprintf(&line, " | %.2f | %.2f", q.kbps, p.kbps/q.kbps)
				logs[i], counts[i] = logs[i]+math.Log(p.kbps/q.kbps), counts[i]+1
			}
			fmt.Fprintf(os.Stdout, "%s | %d | %d | %.2f | %.2f |\n", line.String(), p.key, p.largest, p.encode, p.decode)
		}
	}
	fmt.Printf("\ngeometric mean of ours: %.3f kbit/s\n", math.Exp(own/float64(rows)))
	for i, k := range with {
		fmt.Printf("ours to %s: %.3f (%d rows)\n", k.name, math.Exp(logs[i]/float64(counts[i])), counts[i])
	}
	return nil
}

// rates prints what the rate control makes of bitrates in kbit/s, with every
// picture in one datagram.
func (l *bench) rates(films []string, sizes [][2]int, bitrates []int, o options) error {
	const datagram = 1150
	fmt.Printf("%d pictures a second, %d pictures\n\n", l.fps, o.pictures)
	fmt.Printf("| size | clip | asked kbit/s | got | key bytes | largest | SSIM of the key picture | 5th | mean |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, size := range sizes {
		for _, film := range films {
			c, err := l.load(film, size[0], size[1], o.pictures)
			if err != nil {
				return err
			}
			for _, asked := range bitrates {
				config := video.Config{Bitrate: asked * 1000, MaxBytes: datagram, Quantiser: o.finest}
				var early [5]float64
				p, err := play(config, c, c, func(i int, _ *image.YCbCr, s float64) {
					if i < len(early) {
						early[i] = s
					}
				})
				if err != nil {
					return err
				}
				fmt.Printf("| %dx%d | %s | %d | %.1f | %d | %d | %.4f | %.4f | %.4f |\n",
					c.w, c.h, c.name, asked, p.kbps, p.key, p.largest, early[0], early[4], p.ssim)
			}
		}
	}
	return nil
}

// denoisers prints what noise costs with and without the denoiser, and what the
// denoiser costs where there is no noise.
func (l *bench) denoisers(films []string, sizes [][2]int, pictures int) error {
	const deviation = 4
	fmt.Printf("noise of deviation %d, SSIM against the picture without it\n\n", deviation)
	fmt.Printf("| size | clip | quantiser | kbit/s | SSIM | with denoiser: kbit/s | SSIM | encode ms | with |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, size := range sizes {
		for _, film := range films {
			clean, err := l.load(film, size[0], size[1], pictures)
			if err != nil {
				return err
			}
			for _, c := range []*clip{clean, clean.noisy(deviation)} {
				const quantiser = 22
				var p [2]point
				for i := range p {
					if p[i], err = play(video.Config{Quantiser: quantiser, Denoise: i == 1}, c, clean, nil); err != nil {
						return err
					}
				}
				fmt.Printf("| %dx%d | %s | %d | %.1f | %.4f | %.1f | %.4f | %.2f | %.2f |\n", c.w, c.h, c.name, quantiser,
					p[0].kbps, p[0].ssim, p[1].kbps, p[1].ssim, p[0].encode, p[1].encode)
			}
		}
	}
	return nil
}

// colours prints what colour costs at one quantiser, and how good it is.
func (l *bench) colours(films []string, sizes [][2]int, pictures int) error {
	const quantiser = 23
	fmt.Printf("| size | clip | luma kbit/s | SSIM | with colour: kbit/s | more | SSIM | Cb dB | Cr dB |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, size := range sizes {
		for _, film := range films {
			c, err := l.load(film, size[0], size[1], pictures)
			if err != nil {
				return err
			}
			plain, err := play(video.Config{Quantiser: quantiser}, c, c, nil)
			if err != nil {
				return err
			}
			var wrong [2]float64 // mean squares
			p, err := play(video.Config{Quantiser: quantiser, Chroma: true}, c, c, func(i int, shown *image.YCbCr, _ float64) {
				src := c.pictures[i]
				wrong[0] += meanSquare(src.Cb, shown.Cb) / float64(len(c.pictures))
				wrong[1] += meanSquare(src.Cr, shown.Cr) / float64(len(c.pictures))
			})
			if err != nil {
				return err
			}
			fmt.Printf("| %dx%d | %s | %.2f | %.4f | %.2f | %.1f %% | %.4f | %.1f | %.1f |\n", c.w, c.h, c.name,
				plain.kbps, plain.ssim, p.kbps, 100*(p.kbps/plain.kbps-1), p.ssim, decibel(wrong[0]), decibel(wrong[1]))
		}
	}
	return nil
}

func meanSquare(a, b []byte) float64 {
	sum := 0
	for i, v := range a {
		d := int(v) - int(b[i])
		sum += d * d
	}
	return float64(sum) / float64(len(a))
}

func decibel(meanSquare float64) float64 { return 10 * math.Log10(255*255/max(meanSquare, 1e-9)) }
