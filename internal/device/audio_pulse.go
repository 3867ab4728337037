//go:build linux || freebsd || netbsd || openbsd

package device

import (
	"context"

	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/pulse"
)

// A pulseMic is a microphone of a sound server.
type pulseMic struct{ *pulse.Mic }

// openSystemMic opens a microphone of this machine by its name, or the system's
// choice.
func openSystemMic(ctx context.Context, name string) (media.AudioSource, error) {
	m, err := pulse.OpenMic(ctx, pulse.Config{Device: pulseName(name)})
	if err != nil {
		return nil, notFound(err, name)
	}
	return pulseMic{m}, nil
}

func (m pulseMic) ReadChunk(c *media.Chunk) (err error) {
	c.At, err = m.Read(c.PCM[:])
	return err
}

// A pulseSpeaker is a speaker of a sound server.
type pulseSpeaker struct{ *pulse.Speaker }

// openSystemSpeaker opens a speaker of this machine by its name, or the system's
// choice.
func openSystemSpeaker(ctx context.Context, name string) (media.AudioSink, error) {
	s, err := pulse.OpenSpeaker(ctx, pulse.Config{Device: pulseName(name)})
	if err != nil {
		return nil, notFound(err, name)
	}
	return pulseSpeaker{s}, nil
}

func (s pulseSpeaker) WriteChunk(c *media.Chunk) error { return s.Write(c.PCM[:]) }

// pulseName returns the device's name as the sound server has it.
func pulseName(name string) string {
	if name == Auto {
		return ""
	}
	return name
}
