package device

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// errMute says that FFmpeg runs and gives no sound.
var errMute = errors.New("no sound arrives")

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

// ffmpegChunks is how much an ffmpegMic keeps for a slow reader: 200 ms.
const ffmpegChunks = 20

// An ffmpegMic is a microphone that runs FFmpeg. One goroutine takes sound off
// its output as it comes, so that the pipe never blocks, and keeps the newest.
// One goroutine reads; any goroutine may close.
type ffmpegMic struct {
	// Set by openFFmpegMic.
	cancel context.CancelFunc // kills the process
	ended  chan struct{}      // closed when pump has ended and the process is gone

	messages tail // owned by the process until it has ended

	mu      sync.Mutex
	changed sync.Cond // of what mu guards

	// Guarded by mu.
	chunks [ffmpegChunks]media.Chunk
	first  int // the oldest
	n      int
	heard  chan struct{} // closed with the first chunk
	err    error         // why there will be no more
}

// openFFmpegMic starts FFmpeg and waits for the first sound.
func openFFmpegMic(ctx context.Context, how capture) (media.AudioSource, error) {
	path, err := findFFmpeg()
	if err != nil {
		return nil, err
	}
	// The process outlives the opening, which is what ctx is about.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m := &ffmpegMic{cancel: cancel, ended: make(chan struct{}), heard: make(chan struct{})}
	m.changed.L = &m.mu
	cmd, out, err := startFFmpeg(life, path, ffmpegMicArgs(how.args), &m.messages)
	if err != nil {
		cancel()
		return nil, err
	}
	go m.pump(cmd, out)

	timer := time.NewTimer(how.silence)
	defer timer.Stop()
	select {
	case <-m.heard:
		return m, nil
	case <-m.ended:
		err = m.reason()
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-timer.C:
		err = fmt.Errorf("%w within %v", errMute, how.silence)
	}
	_ = m.Close() // has no error
	return nil, err
}

// pump reads sound until FFmpeg ends.
func (m *ffmpegMic) pump(cmd *exec.Cmd, out io.Reader) {
	defer close(m.ended)
	var raw [2 * media.ChunkSamples]byte
	var err error
	for err == nil {
		if _, err = io.ReadFull(out, raw[:]); err == nil {
			m.put(&raw, time.Now())
		}
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

// put appends a chunk whose last sample arrived at now. The oldest makes room.
func (m *ffmpegMic) put(raw *[2 * media.ChunkSamples]byte, now time.Time) {
	m.mu.Lock()
	if m.n == ffmpegChunks {
		m.first = (m.first + 1) % ffmpegChunks
		m.n--
	}
	c := &m.chunks[(m.first+m.n)%ffmpegChunks]
	for i := range c.PCM {
		c.PCM[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	c.At = now.Add(-media.ChunkTime)
	m.n++
	select {
	case <-m.heard:
	default:
		close(m.heard)
	}
	m.mu.Unlock()
	m.changed.Signal()
}

// fail ends the microphone for the given reason, unless it has ended before.
func (m *ffmpegMic) fail(err error) {
	m.mu.Lock()
	if m.err == nil {
		m.err = err
	}
	m.mu.Unlock()
	m.changed.Broadcast()
}

// reason returns why there is no more sound, or nil.
func (m *ffmpegMic) reason() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// ReadChunk waits for the next chunk.
func (m *ffmpegMic) ReadChunk(c *media.Chunk) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.n == 0 && m.err == nil {
		m.changed.Wait()
	}
	if m.n == 0 || errors.Is(m.err, os.ErrClosed) {
		return m.err
	}
	*c = m.chunks[m.first]
	m.first = (m.first + 1) % ffmpegChunks
	m.n--
	return nil
}

// Close kills FFmpeg and waits for its end.
func (m *ffmpegMic) Close() error {
	m.fail(os.ErrClosed)
	m.cancel()
	<-m.ended
	return nil
}
