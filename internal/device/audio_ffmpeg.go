package device

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// lowLatency keeps FFmpeg from collecting seconds of sound before it starts.
var lowLatency = []string{"-fflags", "nobuffer", "-flags", "low_delay", "-probesize", "32", "-analyzeduration", "0"}

// ffmpegMicArgs returns the whole command line, which makes 48 kHz mono of in.
func ffmpegMicArgs(in []string) []string {
	return slices.Concat(
		[]string{"-nostdin", "-hide_banner", "-loglevel", "error"},
		in,
		[]string{"-vn", "-sn", "-dn", "-ac", "1", "-ar", "48000", "-f", "s16le", "-flush_packets", "1", "pipe:1"},
	)
}

// avfoundationMic reads a microphone of macOS by its name or number, or the
// default one.
func avfoundationMic(name string) capture {
	if name == Auto {
		name = "default"
	}
	args := slices.Concat(lowLatency, []string{"-f", "avfoundation", "-i", ":" + name})
	return capture{args: args, silence: cameraSilence}
}

// dshowMic reads the microphone of Windows with exactly this name. Unasked,
// dshow gives half a second at a time.
func dshowMic(name string) capture {
	args := slices.Concat(lowLatency, []string{"-f", "dshow", "-audio_buffer_size", "10", "-i", "audio=" + name})
	return capture{args: args, silence: cameraSilence}
}

// dshowFindMic returns how to read the first microphone in FFmpeg's list that
// has name in its own, or the first of all for "auto".
func dshowFindMic(list, name string) (capture, error) {
	names := dshowNames(list, "audio")
	if len(names) == 0 {
		return capture{}, ErrNoDevice
	}
	for _, n := range names {
		if name == Auto || strings.Contains(strings.ToLower(n), strings.ToLower(name)) {
			return dshowMic(n), nil
		}
	}
	return capture{}, ErrNotFound
}

// An ffmpegMic is a microphone that runs FFmpeg. One goroutine takes sound off
// its output as it comes, so that the pipe never blocks. One goroutine reads; any
// goroutine may close.
type ffmpegMic struct {
	*push
	cancel context.CancelFunc // kills the process
	ended  chan struct{}      // closed when pump has ended and the process is gone

	messages tail // owned by the process until it has ended
}

// openFFmpegMic starts FFmpeg and waits for the first sound.
func openFFmpegMic(ctx context.Context, how capture) (media.AudioSource, error) {
	path, err := findFFmpeg()
	if err != nil {
		return nil, err
	}
	// The process outlives the opening, which is what ctx is about.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m := &ffmpegMic{push: newPush(), cancel: cancel, ended: make(chan struct{})}
	cmd, out, err := startFFmpeg(life, path, ffmpegMicArgs(how.args), &m.messages)
	if err != nil {
		cancel()
		return nil, err
	}
	go m.pump(cmd, out)

	if err := m.await(ctx, m.ended, how.silence); err != nil {
		_ = m.Close() // has no error
		return nil, err
	}
	return m, nil
}

// pump reads sound until FFmpeg ends.
func (m *ffmpegMic) pump(cmd *exec.Cmd, out io.Reader) {
	defer close(m.ended)
	var raw [2 * media.ChunkSamples]byte
	var c media.Chunk
	var err error
	for {
		if _, err = io.ReadFull(out, raw[:]); err != nil {
			break
		}
		for i := range c.PCM {
			c.PCM[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
		}
		c.At = time.Now().Add(-media.ChunkTime)
		m.put(&c)
	}
	// It ends by itself and says why, or it has closed its output and lives on.
	kill := time.AfterFunc(killWait, m.cancel)
	exit := cmd.Wait()
	kill.Stop()
	m.cancel()
	switch message := m.messages.last(); {
	case message != "":
		err = fmt.Errorf("%w: %s", errFFmpeg, message)
	case exit != nil:
		err = fmt.Errorf("%w: %w", errFFmpeg, exit)
	default:
		err = fmt.Errorf("%w: the input has come to its end", errFFmpeg)
	}
	m.fail(err)
}

// Close kills FFmpeg and waits for its end.
func (m *ffmpegMic) Close() error {
	m.fail(os.ErrClosed)
	m.cancel()
	<-m.ended
	return nil
}
