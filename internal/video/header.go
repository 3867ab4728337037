package video

import (
	"encoding/binary"
	"fmt"
)

// A compressed picture begins with
//
//	 0   1   2 ... 7
//	+---+---+-------+
//	| K | W |  qp   |                 every picture
//	+---+---+-------+---+---+---+
//	| format | width | height |      if K (key): 1, 2 and 2 bytes, big endian
//	+--------+-------+--------+
//	| gain | offset |                if W (weighted): 1 and 1 byte
//	+------+--------+
//
// K and W exclude each other. The format is 1 for luma and 2 for luma with
// colour; 0 was another. Pictures predicted from a picture have its size and
// its format. The gain is unsigned, in 1/128, and the offset is signed, in sample values.
const (
	flagKey      = 1 << 7
	flagWeighted = 1 << 6
	formatLuma   = 1
	formatColour = 2
	maxQP        = 63
)

// header is the part of a compressed picture that is not entropy coded.
type header struct {
	key           bool
	width, height int  // pixels; only in a key picture
	colour        bool // only in a key picture
	qp            int  // 0 (finest) to maxQP
	weighted      bool
	weight        weight // only if weighted
}

// append appends the header to b.
func (h header) append(b []byte) []byte {
	switch {
	case h.key:
		format := byte(formatLuma)
		if h.colour {
			format = formatColour
		}
		b = append(b, flagKey|byte(h.qp), format)
		b = binary.BigEndian.AppendUint16(b, uint16(h.width))
		return binary.BigEndian.AppendUint16(b, uint16(h.height))
	case h.weighted:
		return append(b, flagWeighted|byte(h.qp), h.weight.gain, byte(h.weight.offset))
	default:
		return append(b, byte(h.qp))
	}
}

// parseHeader splits a compressed picture into its header and the rest.
func parseHeader(b []byte) (h header, rest []byte, err error) {
	if len(b) == 0 {
		return h, nil, fmt.Errorf("%w: no bytes", ErrMalformed)
	}
	h = header{key: b[0]&flagKey != 0, weighted: b[0]&flagWeighted != 0, qp: int(b[0] & maxQP)}
	b = b[1:]
	switch {
	case h.key && h.weighted:
		return h, nil, fmt.Errorf("%w: weighted key picture", ErrMalformed)
	case h.key && len(b) < 5, h.weighted && len(b) < 2:
		return h, nil, fmt.Errorf("%w: header cut short", ErrMalformed)
	case h.weighted:
		h.weight = weight{gain: b[0], offset: int8(b[1])}
		return h, b[2:], nil
	case !h.key:
		return h, b, nil
	}
	h.colour = b[0] == formatColour
	if b[0] != formatLuma && !h.colour {
		return h, nil, fmt.Errorf("%w: format %d", ErrMalformed, b[0])
	}
	h.width = int(binary.BigEndian.Uint16(b[1:]))
	h.height = int(binary.BigEndian.Uint16(b[3:]))
	if !validSize(h.width, h.height) {
		return h, nil, fmt.Errorf("%w: size %dx%d", ErrMalformed, h.width, h.height)
	}
	return h, b[5:], nil
}

// validSize reports whether pictures of w x h pixels can be coded.
func validSize(w, h int) bool {
	return w >= MinSide && w <= MaxWidth && h >= MinSide && h <= MaxHeight
}
