package wire

import (
	"encoding/binary"

	"github.com/sanix-darker/s2c/cipher/sframe"
)

// MaxLayers is how many sizes of its pictures a member sends at most.
const MaxLayers = 3

// MaxViews is how many members one Watch can name.
const MaxViews = 64

// layerStreams are the streams of the layers, the largest pictures first.
var layerStreams = [MaxLayers]sframe.Stream{sframe.StreamVideo, sframe.StreamVideo1, sframe.StreamVideo2}

// LayerStream returns the stream of a layer from 0 to MaxLayers-1. Each layer
// has its own, so that whoever gets one of them can tell what was lost.
func LayerStream(layer int) sframe.Stream { return layerStreams[layer] }

// LayerOf is the inverse of LayerStream; ok is false for streams without
// pictures.
func LayerOf(s sframe.Stream) (layer int, ok bool) {
	for i, v := range layerStreams {
		if v == s {
			return i, true
		}
	}
	return 0, false
}

// A Size is what somebody wants of pictures: that they fill a tile.
type Size struct {
	Width, Height uint16 // of the tile, in pixels; 0 leaves both to the sender
	FPS           uint8  // pictures per second at most; 0 leaves it to the sender
	Colour        bool
	Tall          bool // the pixels are twice as high as wide, as quadrants are
}

// A View is how a member looks at the pictures of another one.
type View struct {
	Slot uint16 // of the other one
	Size Size
}

// Watch says at whose pictures a member looks, and how. It replaces the one
// before. The pictures of others are not sent to it. A member that has never
// sent one is sent everybody's, in the largest size that somebody wants, or one
// of the sender's choice if nobody does. It is the same for a Size without
// width and height or without FPS.
//
// A view of a slot that nobody has counts for whoever takes the slot. Of
// several of one slot the first counts.
type Watch struct{ Views []View } // at most MaxViews

// A Layer is a size of its pictures that a member is to send.
type Layer struct {
	Size  Size
	Fresh bool // somebody looks at it who did not before, and needs a key picture
}

// Layers tells a member in what sizes others look at its pictures, the largest
// first; without any, nobody does. It replaces the one before. A member that
// has never got one sends one layer in a size of its choice.
type Layers struct{ Layers []Layer } // at most MaxLayers

// The bits of a Size's and a Layer's flags.
const (
	flagColour = 1 << 0
	flagFresh  = 1 << 1
	flagTall   = 1 << 2
)

func (s Size) append(b []byte, flags byte) []byte {
	b = binary.BigEndian.AppendUint16(b, s.Width)
	b = binary.BigEndian.AppendUint16(b, s.Height)
	if s.Colour {
		flags |= flagColour
	}
	if s.Tall {
		flags |= flagTall
	}
	return append(b, s.FPS, flags)
}

// size reads a Size and the flags in it, of which only those allowed may be set
// besides its own.
func (r *reader) size(allowed byte) (s Size, flags byte) {
	s = Size{Width: r.uint16(), Height: r.uint16(), FPS: r.uint8()}
	flags = r.uint8()
	s.Colour, s.Tall = flags&flagColour != 0, flags&flagTall != 0
	r.failed = r.failed || flags&^(flagColour|flagTall|allowed) != 0 || (s.Width == 0) != (s.Height == 0)
	return s, flags
}

// Append implements Message.
func (m Watch) Append(b []byte) []byte {
	b = append(b, typeWatch, uint8(len(m.Views)))
	for _, v := range m.Views {
		b = v.Size.append(binary.BigEndian.AppendUint16(b, v.Slot), 0)
	}
	return b
}

// Append implements Message.
func (m Layers) Append(b []byte) []byte {
	b = append(b, typeLayers, uint8(len(m.Layers)))
	for _, l := range m.Layers {
		var flags byte
		if l.Fresh {
			flags = flagFresh
		}
		b = l.Size.append(b, flags)
	}
	return b
}

func parseWatch(r *reader) (m Watch) {
	n := int(r.uint8())
	if r.failed = r.failed || n > MaxViews; r.failed || n == 0 {
		return m
	}
	m.Views = make([]View, n)
	for i := range m.Views {
		v := &m.Views[i]
		v.Slot = r.uint16()
		v.Size, _ = r.size(0)
	}
	return m
}

func parseLayers(r *reader) (m Layers) {
	n := int(r.uint8())
	if r.failed = r.failed || n > MaxLayers; r.failed || n == 0 {
		return m
	}
	m.Layers = make([]Layer, n)
	for i := range m.Layers {
		l := &m.Layers[i]
		var flags byte
		l.Size, flags = r.size(flagFresh)
		l.Fresh = flags&flagFresh != 0
	}
	return m
}
