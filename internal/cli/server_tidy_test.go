package cli

import (
	"runtime/debug"
	"testing"
)

var garbage []byte // is not made on the stack

// TestTidier makes garbage and looks: there is something to give back once no more
// is made, and nothing afterwards.
func TestTidier(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // nobody else tidies up
	debug.FreeOSMemory()
	tidy := newTidier()
	tidy.look()
	if tidy.look() {
		t.Error("there is something to give back before any garbage is made")
	}
	for range 32 {
		garbage = make([]byte, 256<<10)
	}
	garbage = nil
	if tidy.look() {
		t.Error("while garbage is made it is given back")
	}
	if !tidy.look() {
		t.Error("there is nothing to give back of 8 MB")
	}
	debug.FreeOSMemory()
	if tidy.look() {
		t.Error("there is something to give back after all was")
	}
}
