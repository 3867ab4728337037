//go:build !linux

package sound

import (
	"os"
	"os/exec"
)

func prepare(*exec.Cmd) {}

func hurry(int) {}

// Hurry does nothing on this system.
func Hurry() {}

func terminate(p *os.Process) error { return p.Kill() }
