package hubload

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestProcessFigures(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells them")
	}
	for start := time.Now(); time.Since(start) < 50*time.Millisecond; {
	}
	cpu, ok := CPUTime(os.Getpid())
	memory, ok2 := Memory(os.Getpid())
	if !ok || !ok2 || cpu < 20*time.Millisecond || memory < 1<<20 {
		t.Errorf("CPU %v, %v; memory %d, %v", cpu, ok, memory, ok2)
	}
	if all, ok := MachineTime(); !ok || all < cpu {
		t.Errorf("this process has used %v, and all %v, %v", cpu, all, ok)
	}
	if _, ok := CPUTime(-1); ok {
		t.Error("a process that is not there has used CPU time")
	}
	if _, ok := Memory(-1); ok {
		t.Error("a process that is not there has memory")
	}
}
