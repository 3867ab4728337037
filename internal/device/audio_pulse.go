//go:build linux || freebsd || netbsd || openbsd

package device

import (
	"context"

	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/pulse"
)

// A pulseMic is a microphone of a sound server.
type pulseMic struct{ *pulse.Mic }

// hasEcho says that a sound server may cancel echo here.
const hasEcho = true

// openSystemMic opens a microphone of this machine by its name, or the system's
// choice, and again when it goes away.
func openSystemMic(ctx context.Context, name string) (media.AudioSource, error) {
	return newLiveMic(ctx, func(ctx context.Context, _ retiree) (media.AudioSource, error) {
		return openEchoMic(ctx, name, pulse.Config{})
	})
}

// openEchoMic opens a microphone once, as c says but for its name.
func openEchoMic(ctx context.Context, name string, c pulse.Config) (media.AudioSource, error) {
	c.Device = pulseName(name)
	m, err := pulse.OpenMic(ctx, c)
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
// choice, and again when it goes away.
func openSystemSpeaker(ctx context.Context, name string) (media.AudioSink, error) {
	return newLiveSpeaker(ctx, func(ctx context.Context, _ retiree) (media.AudioSink, error) {
		return openEchoSpeaker(ctx, name, pulse.Config{})
	})
}

// openEchoSpeaker opens a speaker once, as c says but for its name.
func openEchoSpeaker(ctx context.Context, name string, c pulse.Config) (media.AudioSink, error) {
	c.Device = pulseName(name)
	s, err := pulse.OpenSpeaker(ctx, c)
	if err != nil {
		return nil, notFound(err, name)
	}
	return pulseSpeaker{s}, nil
}

func (s pulseSpeaker) WriteChunk(c *media.Chunk) error { return s.Write(c.PCM[:]) }
