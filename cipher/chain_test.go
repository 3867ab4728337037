package cipher

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// newChains returns both ends of a chain, and one of the other direction.
func newChains() (send, recv, other chain) {
	u := &run{i: [32]byte{1}, r: [32]byte{2}, ss: newSecret(bytes.Repeat([]byte{7}, 32)), dh: newSecret(bytes.Repeat([]byte{8}, 32))}
	send, other = u.chains(nil, nil, nil)
	recv, _ = u.chains(nil, nil, nil)
	return send, recv, other
}

// boxOf returns a payload of its own for each box.
func boxOf(i int) []byte { return fmt.Appendf(nil, "box %d", i) }

// seal seals n boxes of messages of type 9.
func sealBoxes(c *chain, n int) (boxes [][]byte) {
	for i := range n {
		boxes = append(boxes, c.seal(nil, 9, boxOf(i)))
	}
	return boxes
}

func TestChain(t *testing.T) {
	send, recv, other := newChains()
	for i := range 4 {
		old := send.key.bytes()
		box := send.seal([]byte("before"), 9, boxOf(i))
		if !bytes.Equal(old, make([]byte, 32)) {
			t.Fatalf("the key of box %d is still there: %x", i, old)
		}
		if len(box) != len("before")+boxOverhead+len(boxOf(i)) || !bytes.HasPrefix(box, []byte("before")) {
			t.Errorf("box %d is %x", i, box)
		}
		box = box[len("before"):]
		if _, err := other.open(9, box); !errors.Is(err, ErrAuth) {
			t.Errorf("box %d opened by the chain of the other direction: %v", i, err)
		}
		for typ := range 256 {
			if typ == 9 {
				continue
			}
			if _, err := recv.open(byte(typ), box); !errors.Is(err, ErrAuth) {
				t.Errorf("box %d in a message of type %d: %v", i, typ, err)
			}
		}
		old = recv.key.bytes()
		plain, err := recv.open(9, box)
		if err != nil || !bytes.Equal(plain, boxOf(i)) {
			t.Fatalf("box %d: %q, %v", i, plain, err)
		}
		if !bytes.Equal(old, make([]byte, 32)) {
			t.Fatalf("the key that has opened box %d is still there: %x", i, old)
		}
		if _, err := recv.open(9, box); !errors.Is(err, ErrReplay) {
			t.Errorf("box %d again: %v, want %v", i, err, ErrReplay)
		}
	}
	for n := range boxOverhead {
		if _, err := recv.open(9, make([]byte, n)); !errors.Is(err, ErrMalformed) {
			t.Errorf("box of %d bytes: %v, want %v", n, err, ErrMalformed)
		}
	}
}

// TestChainSkips opens boxes out of order.
func TestChainSkips(t *testing.T) {
	tests := []struct {
		name  string
		order []int
		want  []error // nil: opened
	}{
		{"in order", []int{0, 1, 2}, make([]error, 3)},
		{"one overtakes", []int{1, 0, 2}, make([]error, 3)},
		{"backwards", []int{3, 2, 1, 0}, make([]error, 4)},
		{"64 missing", []int{64, 65, 0, 63}, make([]error, 4)},
		{"65 missing", []int{65, 64, 0}, []error{ErrAuth, nil, nil}},
		{"late ones once", []int{2, 0, 0, 1, 1, 2}, []error{nil, nil, ErrReplay, nil, ErrReplay, ErrReplay}},
		{"64 in two gaps", []int{40, 66, 65, 64}, []error{nil, ErrAuth, nil, nil}},
		{"room again", []int{64, 66, 0, 66, 1, 65}, []error{nil, ErrAuth, nil, nil, nil, nil}},
	}
	for _, test := range tests {
		send, recv, _ := newChains()
		boxes := sealBoxes(&send, 100)
		for n, i := range test.order {
			plain, err := recv.open(9, boxes[i])
			if !errors.Is(err, test.want[n]) || err == nil && !bytes.Equal(plain, boxOf(i)) {
				t.Errorf("%s: box %d (number %d): %q, %v, want %v", test.name, i, n, plain, err, test.want[n])
			}
		}
	}
}

// TestChainModel compares a chain that gets boxes in any order, with damaged
// ones in between, to a model of it.
func TestChainModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	opened, refused := 0, 0
	for range 20 {
		send, recv, _ := newChains()
		boxes := sealBoxes(&send, 300)
		next, missing := 0, map[int]bool{}
		for range 1000 {
			i := min(max(next+rng.IntN(30)-15, 0), len(boxes)-1)
			if rng.IntN(50) == 0 {
				i = min(next+rng.IntN(80), len(boxes)-1)
			}
			box := bytes.Clone(boxes[i])
			bad := rng.IntN(3) == 0
			if bad {
				box[rng.IntN(len(box))] ^= 1 << rng.IntN(8)
			}
			want := i < next && missing[i] || i >= next && len(missing)+i-next <= maxSkip
			plain, err := recv.open(9, box)
			if ok := want && !bad; (err == nil) != ok || ok && !bytes.Equal(plain, boxOf(i)) {
				t.Fatalf("box %d (damaged %v) with %d next and %d missing: %q, %v", i, bad, next, len(missing), plain, err)
			}
			if err != nil {
				refused++
				continue
			}
			opened++
			delete(missing, i)
			for ; next <= i; next++ {
				if next != i {
					missing[next] = true
				}
			}
			if len(recv.late) != len(missing) {
				t.Fatalf("%d keys are kept, want %d", len(recv.late), len(missing))
			}
		}
	}
	t.Logf("%d boxes opened, %d refused", opened, refused)
}

func TestChainClear(t *testing.T) {
	send, recv, _ := newChains()
	boxes := sealBoxes(&send, 4)
	if _, err := recv.open(9, boxes[2]); err != nil {
		t.Fatal(err)
	}
	keys := map[string][]byte{"key": recv.key.bytes(), "key of box 0": recv.late[0].bytes(), "key of box 1": recv.late[1].bytes()}
	one := recv.late[1].bytes()
	if _, err := recv.open(9, boxes[1]); err != nil {
		t.Fatal(err)
	}
	checkCleared(t, "open", map[string][]byte{"key of box 1": one})
	recv.clear()
	checkCleared(t, "clear", keys)
	if recv.live() || len(recv.late) != 0 {
		t.Error("a cleared chain is live")
	}
}
