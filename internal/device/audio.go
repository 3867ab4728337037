package device

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/pulse"
)

// OpenMic opens the microphone with the given name. ctx bounds the opening only.
// Errors are of type *Error.
//
// Names, in the order in which they are tried:
//
//	auto         the system's choice
//	test         somebody who now and then says something; test:2, test:3 ... are others
//	ffmpeg:ARGS  what FFmpeg hears with these input arguments, "-i" included
//	URL          what FFmpeg hears at an address with "://" in it
//	FILE.wav     a recording, repeated
//	FILE         what FFmpeg hears of a file, repeated
//	NAME         the microphone of that name, or with this in its description
func OpenMic(ctx context.Context, name string) (media.AudioSource, error) {
	src, err := openMic(ctx, name)
	if err != nil {
		return nil, &Error{"open microphone", name, withoutName(err, name)}
	}
	return &namedMic{src, name}, nil
}

// openMic is OpenMic with plain errors.
func openMic(ctx context.Context, name string) (media.AudioSource, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	seed, isTest := strings.CutPrefix(name, Test+":")
	args, isFFmpeg := strings.CutPrefix(name, "ffmpeg:")
	switch {
	case name == None || name == "":
		return nil, ErrNotFound
	case name == Auto:
		return openSystemMic(ctx, Auto)
	case name == Test:
		return newTestMic(0), nil
	case isTest:
		n, err := strconv.ParseUint(seed, 10, 64)
		if err != nil {
			return nil, ErrNotFound
		}
		return newTestMic(n), nil
	case isFFmpeg:
		split, err := splitArgs(args)
		if err != nil {
			return nil, err
		}
		return openFFmpegMic(ctx, capture{args: split, silence: fileSilence})
	case strings.Contains(name, "://"):
		return openFFmpegMic(ctx, urlCapture(name))
	case isWAV(name):
		return openWAVMic(name)
	}
	if st, err := os.Stat(name); err == nil && st.Mode().IsRegular() {
		return openFFmpegMic(ctx, fileCapture(name))
	}
	return openSystemMic(ctx, name)
}

// OpenSpeaker opens the speaker with the given name. ctx bounds the opening
// only. A file is written as WAV. Errors are of type *Error.
//
// Names, in the order in which they are tried:
//
//	auto      the system's choice
//	test      nothing is heard, and it takes as long as if it were
//	FILE.wav  a recording of what would be heard
//	NAME      the speaker of that name, or with this in its description
func OpenSpeaker(ctx context.Context, name string) (media.AudioSink, error) {
	sink, err := openSpeaker(ctx, name)
	if err != nil {
		return nil, &Error{"open speaker", name, withoutName(err, name)}
	}
	return &namedSpeaker{sink, name}, nil
}

// openSpeaker is OpenSpeaker with plain errors.
func openSpeaker(ctx context.Context, name string) (media.AudioSink, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	switch {
	case name == None || name == "":
		return nil, ErrNotFound
	case name == Test:
		return newPacedSpeaker(discard{}), nil
	case isWAV(name):
		return openWAVSpeaker(name)
	}
	return openSystemSpeaker(ctx, name)
}

func isWAV(name string) bool { return strings.EqualFold(filepath.Ext(name), ".wav") }

// notFound makes pulse's error ours: there is none at all when any would do.
func notFound(err error, name string) error {
	switch {
	case !errors.Is(err, pulse.ErrNotFound):
		return err
	case name == Auto:
		return ErrNoDevice
	default:
		return ErrNotFound
	}
}

// A namedMic is a microphone whose errors tell the name that the user typed.
type namedMic struct {
	media.AudioSource
	name string
}

func (m *namedMic) ReadChunk(c *media.Chunk) error {
	if err := m.AudioSource.ReadChunk(c); err != nil {
		return &Error{"read microphone", m.name, withoutName(err, m.name)}
	}
	return nil
}

// Delay returns how long the sound takes from the device to us, part by part, and
// whether that is known. What opens a microphone returns one that has this method.
func (m *namedMic) Delay() (pulse.Delay, bool) { return delayOf(m.AudioSource) }

// A namedSpeaker is a speaker whose errors tell the name that the user typed.
type namedSpeaker struct {
	media.AudioSink
	name string
}

func (s *namedSpeaker) Wait() error {
	if err := s.AudioSink.Wait(); err != nil {
		return &Error{"use speaker", s.name, withoutName(err, s.name)}
	}
	return nil
}

func (s *namedSpeaker) WriteChunk(c *media.Chunk) error {
	if err := s.AudioSink.WriteChunk(c); err != nil {
		return &Error{"use speaker", s.name, withoutName(err, s.name)}
	}
	return nil
}

// Delay returns how long the sound takes from us to the device, part by part, and
// whether that is known. What opens a speaker returns one that has this method.
func (s *namedSpeaker) Delay() (pulse.Delay, bool) { return delayOf(s.AudioSink) }

// Close also tells when the end of a recording could not be written.
func (s *namedSpeaker) Close() error {
	if err := s.AudioSink.Close(); err != nil {
		return &Error{"close speaker", s.name, withoutName(err, s.name)}
	}
	return nil
}
