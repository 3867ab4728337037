package cam

import (
	"runtime/debug"
	"sync"
)

// still counts the cameras of this process. While there are any, the garbage
// collector rests.
//
// A program that reads a picture may fault on its page, and the kernel then
// waits for the camera's answer. Where both are one process, as in tests, a
// collector that stops the world in that moment waits for the fault, the fault
// for the camera, and the camera for the collector.
var still struct {
	sync.Mutex
	cameras int
	percent int
}

func holdStill() {
	still.Lock()
	defer still.Unlock()
	if still.cameras++; still.cameras == 1 {
		still.percent = debug.SetGCPercent(-1)
	}
}

func moveAgain() {
	still.Lock()
	defer still.Unlock()
	if still.cameras--; still.cameras == 0 {
		debug.SetGCPercent(still.percent)
	}
}
