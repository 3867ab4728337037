//go:build !linux

package network

import (
	"context"
	"errors"
	"os/exec"
)

// A Net is a number of hosts joined by a wire. There is none on this system.
type Net struct{}

// New returns an error: only Linux has network namespaces.
func New(context.Context, ...string) (*Net, error) {
	return nil, errors.New("make network: only Linux has network namespaces")
}

// Close does nothing.
func (*Net) Close() error { return nil }

// Addr returns "".
func (*Net) Addr(string) string { return "" }

// Set does nothing.
func (*Net) Set(string, Direction, Shape) {}

// Rebind does nothing.
func (*Net) Rebind(string) {}

// Counters returns nothing.
func (*Net) Counters(string) (up, down Counters) { return up, down }

// Fidelity returns nothing.
func (*Net) Fidelity() Fidelity { return Fidelity{} }

// Command does nothing.
func (*Net) Command(string, *exec.Cmd) {}

// Hurry does nothing.
func Hurry() (calm func()) { return func() {} }
