package cpace

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// FuzzShare gives any bytes to both ends as the share of the other. The scalars
// are fixed because fuzz workers are processes of their own.
func FuzzShare(f *testing.F) {
	v := readVectors(f)
	for _, p := range v.Points.Results {
		f.Add([]byte(p.U))
	}
	run := v.Runs[0]
	f.Add([]byte(run.ShareA))
	f.Add([]byte(run.ShareB))
	f.Add([]byte(run.ShareA[:31]))
	f.Add([]byte{})

	state, _, err := start(scalar(f, run.ScalarA), run.Password, run.CI, run.SID, nil)
	if err != nil {
		f.Fatal(err)
	}
	y := scalar(f, run.ScalarB)
	f.Fuzz(func(t *testing.T, share []byte) {
		given := slices.Clone(share)
		finished, finishErr := state.Finish(share)
		answer, responded, respondErr := respond(y, run.Password, run.CI, run.SID, side{share: share}, nil)
		if !bytes.Equal(share, given) {
			t.Fatalf("share %x became %x", given, share)
		}
		if !valid(v, share) {
			if !errors.Is(finishErr, ErrShare) || !errors.Is(respondErr, ErrShare) {
				t.Fatalf("share %x: %v and %v, want %v", share, finishErr, respondErr, ErrShare)
			}
			if finished != [KeySize]byte{} || responded != [KeySize]byte{} {
				t.Fatalf("share %x is refused with keys %x and %x", share, finished, responded)
			}
			return
		}
		if finishErr != nil || respondErr != nil {
			t.Fatalf("share %x: %v and %v", share, finishErr, respondErr)
		}
		if !bytes.Equal(answer[:], run.ShareB) {
			t.Fatalf("share %x: answer %x, want %x", share, answer, run.ShareB)
		}
		// The same point in another encoding is another transcript.
		other := slices.Clone(share)
		other[31] ^= 0x80
		if key, err := state.Finish(other); err != nil || key == finished {
			t.Fatalf("Finish(%x) = %x, %v as for %x", other, key, err, share)
		}
		if key, err := state.Finish(share); err != nil || key != finished {
			t.Fatalf("Finish(%x) = %x, %v the second time, %x the first", share, key, err, finished)
		}
	})
}

// valid tells whether a share is 32 bytes and none of the numbers that stand
// for a point of low order, with or without the highest bit.
func valid(v vectors, share []byte) bool {
	if len(share) != ShareSize {
		return false
	}
	masked := slices.Clone(share)
	masked[31] &= 0x7f
	for _, p := range v.Points.Results {
		if bytes.Equal(p.Q, make([]byte, 32)) && bytes.Equal(masked, p.U) {
			return false
		}
	}
	return true
}
