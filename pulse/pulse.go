// Package pulse records and plays through a PulseAudio or PipeWire server
// without cgo: 48 kHz, 16 bits, mono.
//
// It speaks the servers' native protocol through the proto half of
// github.com/jfreymuth/pulse. Each Mic and each Speaker has a connection of its
// own:
//
//	server > link > library's goroutine > ring of 200 ms > Mic.Read
//	Speaker.Write, as far as the server has asked > link > server
//
// An Echo has the server take what a Speaker plays out of what a Mic hears, and
// both go through it.
//
// It never starts a server. It builds everywhere, and finds a server wherever
// one runs.
package pulse

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What the calls return, besides errors of the system. ErrGone means that the
// device or the server went away: close and open again.
var (
	ErrNoServer = errors.New("no PulseAudio or PipeWire server answers")
	ErrNotFound = errors.New("no such device")
	ErrGone     = errors.New("device or sound server went away")

	// ErrMoved wraps ErrGone: there is another default device now, and a Mic or
	// an Echo that was opened for the default is not for that one.
	ErrMoved = fmt.Errorf("%w: another device is the default now", ErrGone)
)

// Rate is the sample rate in Hz.
const Rate = 48000

// Config says what to open. The zero Config means the server's default device
// with the smallest buffer that a machine with other work to do keeps filled.
type Config struct {
	Device string // the server's name of the device, or a part of its description; "" means the default

	// Buffer is how much the server keeps in its queue. For a Speaker 0 means
	// 25 ms, of which 15 ms are left when it asks for the next 10; 20 ms is the
	// least that servers keep up with, on a machine that does little else. For a
	// Mic 0 means 5 ms, and 10 ms with an Echo.
	Buffer time.Duration
	Server string // where the server listens, as in PULSE_SERVER; "" means what that says, or the user's server

	// Echo, unless it is nil, is the canceller that the sound goes through.
	// Device and Server are then its own. It stays the caller's.
	Echo *Echo
}

// server returns where the server listens.
func (c Config) server() string {
	if c.Echo != nil {
		return c.Echo.cfg.Server
	}
	return c.Server
}

// A Delay is how long sound takes through our side of the sound server, part by
// part. A part that the server does not tell is in the other one.
type Delay struct {
	Device time.Duration // in the device, its driver, and an Echo
	Buffer time.Duration // in the server's queue
}

// An Info names a device.
type Info struct {
	Name        string // as Config.Device takes it
	Description string // for people
	Default     bool
}

// Mics lists the devices of the default server that record; monitors of speakers
// are not microphones.
func Mics(ctx context.Context) ([]Info, error) { return list(ctx, "", (*client).sources) }

// Speakers lists the devices of the default server that play.
func Speakers(ctx context.Context) ([]Info, error) { return list(ctx, "", (*client).sinks) }
