//go:build !linux && !freebsd && !netbsd && !openbsd

package device

import (
	"context"

	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/pulse"
)

// hasEcho says that there is no sound server to cancel echo here.
const hasEcho = false

// openEchoMic opens a microphone without a canceller.
func openEchoMic(ctx context.Context, name string, _ pulse.Config) (media.AudioSource, error) {
	return openSystemMic(ctx, name)
}

// openEchoSpeaker opens a speaker without a canceller.
func openEchoSpeaker(ctx context.Context, name string, _ pulse.Config) (media.AudioSink, error) {
	return openSystemSpeaker(ctx, name)
}
