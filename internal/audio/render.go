package audio

import "github.com/sanix-darker/s2c/internal/media"

// render does a step that is not silent and puts its sound on the track.
func (v *Voice) render(s *step) (o outcome) {
	if v.skimmed {
		// The decoder knows nothing of what went by.
		v.decoder.reset()
		v.skimmed, v.gain, v.guess.n = false, 0, 0
	}
	pcm := v.pcm[:s.n]
	o.made = !v.decode(s, pcm)
	quiet := !o.made && v.quiet(pcm)
	if s.cut && v.decoder.decode(s.b.bytes(), v.spare[:s.n]) == nil {
		splice(pcm, v.spare[:s.n])
		v.guess.n = 0
		o.made, o.cut = false, true
	}
	if o.made {
		v.fade(pcm, s.made)
	} else {
		ramp(pcm, v.gain, 1, fadeIn)
		v.gain = 1
	}
	o.level = level(pcm)
	v.track.add(pcm)
	if !o.made && !o.cut && (quiet || s.due) {
		o.more = s.more && v.track.short(s.want, quiet)
		if !o.more {
			o.shorter = v.track.stretch(s.want, s.n, quiet, s.like)
		}
	}
	o.ahead = v.track.n
	return o
}

// decode makes the first sound of a step and reports whether it is true and
// not made up.
func (v *Voice) decode(s *step, pcm []int16) bool {
	switch s.kind {
	case play:
		v.guess.n, v.guess.span = 0, len(pcm)
		if v.decoder.decode(s.a.bytes(), pcm) == nil {
			return true
		}
	case restore:
		v.guess.n = 0
		if ok, err := v.decoder.decodeFEC(s.a.bytes(), pcm); ok && err == nil {
			return true
		}
	case conceal, silent:
	}
	v.guess.take(v.decoder, pcm)
	return false
}

// A guess is sound that is made up. Opus makes it as long as a packet: what it
// makes up in shorter pieces fades too soon.
type guess struct {
	pcm  [longSamples]int16
	n    int // samples at its end that were not taken
	span int // samples of a packet, 0 before the first
}

// take stores the next made up sound in pcm.
func (g *guess) take(d decoder, pcm []int16) {
	for len(pcm) > 0 {
		if g.n == 0 {
			if g.n = g.span; g.n == 0 {
				g.n = len(pcm)
			}
			if d.conceal(g.pcm[:g.n]) != nil {
				clear(g.pcm[:g.n])
			}
			copy(g.pcm[len(g.pcm)-g.n:], g.pcm[:g.n])
		}
		n := copy(pcm, g.pcm[len(g.pcm)-g.n:])
		g.n -= n
		pcm = pcm[n:]
	}
}

// quiet reports whether decoded sound holds nothing but the sender's room.
func (v *Voice) quiet(pcm []int16) bool {
	quiet := true
	for ; len(pcm) > 0; pcm = pcm[media.ChunkSamples:] {
		v.meter.note(level(pcm[:media.ChunkSamples]))
		quiet = quiet && v.meter.quiet()
	}
	return quiet
}

// fade lowers sound that is made up, after so many chunks of it.
func (v *Voice) fade(pcm []int16, made int) {
	for ; len(pcm) > 0; pcm = pcm[media.ChunkSamples:] {
		next := fades[min(made, fadeChunks-1)]
		ramp(pcm[:media.ChunkSamples], v.gain, next, media.ChunkSamples)
		v.gain = next
		made++
	}
}

// skim does a step of which nothing is to be heard: it puts silence on the
// track, which may be made as short and as long as is owed.
func (v *Voice) skim(s *step) (o outcome) {
	o.skimmed, o.level = true, silence
	switch {
	case s.cut:
		o.cut = true
	case s.kind == conceal:
		o.made = true
	default:
		o.shorter = min(max(s.want, -maxLag), s.n)
	}
	v.track.skip(s.n - o.shorter)
	o.ahead = v.track.n
	return o
}
