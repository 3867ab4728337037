//go:build !linux

package cam

import "errors"

// A Camera exists on Linux only.
type Camera struct{}

// errLinux is what everything returns on other systems.
var errLinux = errors.New("a virtual camera needs Linux")

// Start fails on this system.
func Start(Config) (*Camera, error) { return nil, errLinux }

// Path returns where the camera is while it is plugged in.
func (*Camera) Path() string { return "" }

// Stats returns what programs have done with the camera so far.
func (*Camera) Stats() Stats { return Stats{} }

// Plug plugs the camera in again.
func (*Camera) Plug() error { return errLinux }

// PlugAt plugs the camera in at another path.
func (*Camera) PlugAt(string) error { return errLinux }

// Sets returns the controls that programs have set.
func (*Camera) Sets() []Set { return nil }

// Control returns the value of a control.
func (*Camera) Control(uint32) int32 { return 0 }

// Unplug takes the camera away.
func (*Camera) Unplug() error { return errLinux }

// Close unplugs the camera and waits for its end.
func (*Camera) Close() error { return errLinux }

// Do runs a command of fakecam.
func (*Camera) Do(string) error { return errLinux }
