// Package pulse records and plays through a PulseAudio or PipeWire server
// without cgo: 48 kHz, 16 bits, mono.
package pulse

import (
	"context"
	"errors"
	"time"
)

// What the calls return, besides errors of the system. ErrGone means that the
// device or the server went away: close and open again.
var (
	ErrNoServer = errors.New("no PulseAudio or PipeWire server answers")
	ErrNotFound = errors.New("no such device")
	ErrGone     = errors.New("device or sound server went away")
)

// Rate is the sample rate in Hz.
const Rate = 48000

// Config says what to open. The zero Config means the server's default device
// with the smallest stable buffer.
type Config struct {
	Device string        // the server's name of the device, or a part of its description; "" means the default
	Buffer time.Duration // 0 means 40 ms for a Speaker, 10 ms for a Mic
}

// An Info names a device.
type Info struct {
	Name        string // as Config.Device takes it
	Description string // for people
	Default     bool
}

// Mics and Speakers list the devices; monitors of speakers are not microphones.
func Mics(ctx context.Context) ([]Info, error) { return nil, errors.New("not built yet") }

// Speakers lists the devices that play.
func Speakers(ctx context.Context) ([]Info, error) { return nil, errors.New("not built yet") }

// A Mic records. One goroutine reads; any goroutine may close.
type Mic struct{}

// OpenMic starts recording.
func OpenMic(ctx context.Context, c Config) (*Mic, error) { return nil, errors.New("not built yet") }

// Read waits until pcm is full and returns when its first sample was recorded.
// A reader that falls more than 200 ms behind loses the oldest sound. Close
// unblocks it; it then returns an error wrapping os.ErrClosed.
func (m *Mic) Read(pcm []int16) (time.Time, error) { panic("not built yet") }

// Close ends the recording.
func (m *Mic) Close() error { panic("not built yet") }

// A Speaker plays. One goroutine writes; any goroutine may close.
type Speaker struct{}

// OpenSpeaker starts playing.
func OpenSpeaker(ctx context.Context, c Config) (*Speaker, error) {
	return nil, errors.New("not built yet")
}

// Write waits until the server wants len(pcm) samples more and hands them
// over. Close unblocks it; it then returns an error wrapping os.ErrClosed.
func (s *Speaker) Write(pcm []int16) error { panic("not built yet") }

// Latency estimates how long a sample written now takes until it is heard.
func (s *Speaker) Latency() time.Duration { panic("not built yet") }

// Underruns returns how often the server ran out of sound.
func (s *Speaker) Underruns() uint64 { panic("not built yet") }

// Close ends the sound.
func (s *Speaker) Close() error { panic("not built yet") }
