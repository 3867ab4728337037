package ascii

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
		shown[i] = held(shown[i], v, deadBand)
	}
}

// held returns what is shown for a sample in place of old: old unless it is
// off by more than band.
func held(old, v uint8, band int) uint8 {
	if d := int(v) - int(old); d > band || d < -band {
		return v
	}
	return old
}

// drawHalf fills dst with upper half blocks: two samples a cell as the
// foreground above and the background below, with one chroma for both.
func (r *Renderer) drawHalf(dst []Cell) {
	cols, pitch := r.setup.cols, r.luma.pitch
	hold(r.shades, r.luma.out, r.fresh)
	for y := range r.setup.rows {
		upper := r.shades[2*y*pitch:][:cols]
		lower := r.shades[(2*y+1)*pitch:][:cols]
		row := dst[y*cols:][:cols]
		for x := range row {
			i := y*cols + x
			row[x] = Cell{R: '▀', Fg: r.paint(upper[x], i), Bg: r.paint(lower[x], i)}
		}
	}
}
