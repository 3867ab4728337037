package ascii

import "image/color"

// deadBand is how many levels a shown luma or chroma may be off before it is
// replaced: nobody sees three levels, but every changed cell costs some forty
// bytes on the way to the terminal.
const deadBand = 3

// hold stores in shown the samples that differ from it by more than the dead
// band, and all of them when fresh.
func hold(shown, samples []uint8, fresh bool) {
	if fresh {
		copy(shown, samples)
		return
	}
	shown = shown[:len(samples)]
	for i, v := range samples {
		if d := int(v) - int(shown[i]); d > deadBand || d < -deadBand {
			shown[i] = v
		}
	}
}

// findMoved notes the cells of which a half moved. Their chroma must not be
// averaged with what was there before: hands would have coloured edges.
func (r *Renderer) findMoved() {
	cols := r.setup.cols
	for i := range r.moved {
		upper := i/cols*2*cols + i%cols
		r.moved[i] = r.still.moved[upper] || r.still.moved[upper+cols]
	}
}

// drawHalf fills dst with upper half blocks: two samples a cell as the
// foreground above and the background below, with one chroma for both.
func (r *Renderer) drawHalf(dst []Cell) {
	hold(r.shades, r.luma.out, r.fresh)
	cols := r.setup.cols
	if r.setup.colour {
		hold(r.tintCb, r.cb.out, r.fresh)
		hold(r.tintCr, r.cr.out, r.fresh)
	}
	for y := range r.setup.rows {
		upper := r.shades[2*y*cols:][:cols]
		lower := r.shades[(2*y+1)*cols:][:cols]
		row := dst[y*cols:][:cols]
		if !r.setup.colour {
			for x := range row {
				u, l := upper[x], lower[x]
				row[x] = Cell{'▀', rgb(u, u, u), rgb(l, l, l)}
			}
			continue
		}
		cb, cr := r.tintCb[y*cols:][:cols], r.tintCr[y*cols:][:cols]
		for x := range row {
			row[x] = Cell{
				R:  '▀',
				Fg: rgb(color.YCbCrToRGB(upper[x], cb[x], cr[x])),
				Bg: rgb(color.YCbCrToRGB(lower[x], cb[x], cr[x])),
			}
		}
	}
}
