package video

import "testing"

func TestMend(t *testing.T) {
	for _, tt := range []struct {
		in    [4]byte
		limit int32
		want  [4]byte
	}{
		{[4]byte{50, 50, 50, 50}, 20, [4]byte{50, 50, 50, 50}},
		{[4]byte{50, 50, 58, 58}, 20, [4]byte{50, 53, 55, 58}}, // a step: (4*8-8+4)/8 = 3
		{[4]byte{58, 58, 50, 50}, 20, [4]byte{58, 55, 53, 50}},
		{[4]byte{50, 50, 58, 58}, 8, [4]byte{50, 50, 58, 58}},  // 8*2 + 4 > 16: an edge of the scene
		{[4]byte{50, 50, 60, 60}, 13, [4]byte{50, 53, 57, 60}}, // no more than 13/4
		{[4]byte{0, 0, 200, 200}, 60, [4]byte{0, 0, 200, 200}},
		{[4]byte{255, 255, 251, 255}, 40, [4]byte{255, 253, 253, 255}},
	} {
		for _, stride := range []int{1, 7} {
			pix := make([]byte, 4*stride)
			for i, v := range tt.in {
				pix[i*stride] = v
			}
			mend(pix, 2*stride, stride, tt.limit)
			for i, v := range tt.want {
				if pix[i*stride] != v {
					t.Errorf("mend(%v, limit %d): sample %d is %d, want %d", tt.in, tt.limit, i, pix[i*stride], v)
				}
			}
		}
	}
}

// TestDeblock checks that edges are mended next to what was coded or moved, and
// nowhere else.
func TestDeblock(t *testing.T) {
	for _, tt := range []struct {
		name  string
		right cell
		want  byte // the last sample left of the edge
	}{
		{"as it was", cell{known: true, skip: true}, 100},
		{"coded", cell{known: true, coded: true}, 103},
		{"moved", cell{known: true, vector: vector{1, 0}}, 103},
		{"intra", cell{known: true, intra: true}, 103},
	} {
		var s state
		s.begin(new(picture), nil, header{key: true, width: 16, height: 16, qp: 32})
		p := &s.cur.luma
		for y := range 16 {
			row := p.row(y)
			fill(row[:8], 100)
			fill(row[8:], 108)
		}
		for k := range 4 {
			x, y, _ := quarter(0, 0, k)
			c := cell{known: true, skip: true}
			if x == 1 {
				c = tt.right
			}
			s.cells[s.cell(x, y)] = c
		}
		s.deblock()
		for y := range 16 {
			if got := p.row(y)[7]; got != tt.want {
				t.Errorf("%s: row %d is %d beside the edge, want %d", tt.name, y, got, tt.want)
			}
		}
	}
}
