package device

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// TestPacedMic makes sure that chunks come every 10 ms, that each is as old as
// it is long, and that a slow reader misses the oldest.
func TestPacedMic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := OpenMic(t.Context(), "test:7")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var c media.Chunk
		read := func(n int) {
			t.Helper()
			if err := m.ReadChunk(&c); err != nil {
				t.Fatal(err)
			}
			at := time.Duration(n) * media.ChunkTime
			if now := time.Since(start); now != at {
				t.Errorf("chunk %d came after %v, want %v", n, now, at)
			}
			if got := c.At.Sub(start); got != at-media.ChunkTime {
				t.Errorf("chunk %d begins at %v, want %v", n, got, at-media.ChunkTime)
			}
		}
		for n := range 100 {
			read(n)
		}
		time.Sleep(time.Second)
		read(199)
		read(200)
		var want media.Chunk
		v := newVoice(7)
		for n := range int64(201) {
			v.chunk(n, &want.PCM)
		}
		if c.PCM != want.PCM {
			t.Error("after a pause the sound is not what it would have been without")
		}
		go func() {
			time.Sleep(5 * time.Millisecond)
			m.Close()
		}()
		if err := m.ReadChunk(&c); !errors.Is(err, os.ErrClosed) {
			t.Errorf("ReadChunk after Close = %v, want os.ErrClosed", err)
		}
		if e, ok := errors.AsType[*Error](m.ReadChunk(&c)); !ok || e.Op != "read microphone" || e.Device != "test:7" {
			t.Errorf("ReadChunk after Close = %v, want an *Error", e)
		}
	})
}

// TestVoice makes sure that the test voices are speech-like: soft, with phrases
// and long pauses, deterministic, and each unlike the others.
func TestVoice(t *testing.T) {
	t.Parallel()
	const seconds = 60
	record := func(seed uint64) (pcm []int16) {
		v := newVoice(seed)
		var c media.Chunk
		for n := range int64(seconds * time.Second / media.ChunkTime) {
			v.chunk(n, &c.PCM)
			pcm = append(pcm, c.PCM[:]...)
		}
		return pcm
	}
	var last []int16
	for seed := range uint64(5) {
		pcm := record(seed)
		if !slices.Equal(pcm, record(seed)) {
			t.Errorf("voice %d says different things", seed)
		}
		if slices.Equal(pcm, last) {
			t.Errorf("voice %d says the same as the one before", seed)
		}
		last = pcm
		peak, spoken, phrases, silent := 0, 0, 0, 1<<30
		for _, v := range pcm {
			if v == 0 {
				silent++
				continue
			}
			if silent > 3*media.SampleRate {
				phrases++
			}
			if silent < media.SampleRate/5 {
				spoken += silent + 1
			}
			silent = 0
			peak = max(peak, int(v), -int(v))
		}
		if peak > voiceLevel || peak < voiceLevel/2 {
			t.Errorf("voice %d is as loud as %d, want about %d", seed, peak, voiceLevel)
		}
		if share := float64(spoken) / float64(len(pcm)); share < 0.15 || share > 0.5 {
			t.Errorf("voice %d speaks for %.0f %% of the time, want 15 to 50", seed, 100*share)
		}
		if phrases < seconds/15 || phrases > seconds/6 {
			t.Errorf("voice %d says %d phrases in %d s", seed, phrases, seconds)
		}
	}
}

func TestVoiceAllocs(t *testing.T) {
	v, c, n := newVoice(1), media.Chunk{}, int64(0)
	if allocs := testing.AllocsPerRun(2000, func() {
		v.chunk(n, &c.PCM)
		n++
	}); allocs != 0 {
		t.Errorf("a chunk of the test voice allocates %v times, want 0", allocs)
	}
}

func BenchmarkVoice(b *testing.B) {
	v, c, n := newVoice(1), media.Chunk{}, int64(0)
	b.ReportAllocs()
	for b.Loop() {
		v.chunk(n, &c.PCM)
		n++
	}
}

// TestPacedSpeaker makes sure that a speaker without a device takes as long as
// one with.
func TestPacedSpeaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := OpenSpeaker(t.Context(), "test")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var c media.Chunk
		for n := range 50 {
			if err := s.WriteChunk(&c); err != nil {
				t.Fatal(err)
			}
			if took, want := time.Since(start), time.Duration(n)*media.ChunkTime; took != want {
				t.Errorf("chunk %d was taken after %v, want %v", n, took, want)
			}
		}
		if l := s.Latency(); l != 0 {
			t.Errorf("Latency() = %v, want 0", l)
		}
		go func() {
			time.Sleep(5 * time.Millisecond)
			s.Close()
		}()
		if e, ok := errors.AsType[*Error](s.WriteChunk(&c)); !ok || !errors.Is(e, os.ErrClosed) || e.Op != "use speaker" {
			t.Errorf("WriteChunk after Close = %v, want os.ErrClosed", e)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close again = %v", err)
		}
	})
}

// TestWAVRoundTrip records what a microphone that repeats a file says, with a
// break of the writer, and expects it in the file at every moment.
func TestWAVRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		in, out := filepath.Join(dir, "in.WAV"), filepath.Join(dir, "out.wav")
		pcm := make([]int16, 1500)
		var data []byte
		for i := range pcm {
			pcm[i] = int16(i + 1)
			data = append(data, byte(i+1), byte((i+1)>>8))
		}
		if err := os.WriteFile(in, wavBytes(wavFormat{wavPCM, 1, 16, 48000}, data, -1), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := OpenMic(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		s, err := OpenSpeaker(t.Context(), out)
		if err != nil {
			t.Fatal(err)
		}
		var want []int16
		var c media.Chunk
		for n := range 10 {
			if n == 5 {
				time.Sleep(25 * time.Millisecond) // a chunk is missed on both sides
				want = append(want, silence[:]...)
			}
			if err := m.ReadChunk(&c); err != nil {
				t.Fatal(err)
			}
			if err := s.WriteChunk(&c); err != nil {
				t.Fatal(err)
			}
			want = append(want, c.PCM[:]...)
			b, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if b2 := wavBytes(wavFormat{wavPCM, 1, 16, 48000}, b[wavHeaderSize:], -1); !slices.Equal(b, b2) {
				t.Errorf("after %d chunks the header is %x, want %x", n, b[:wavHeaderSize], b2[:wavHeaderSize])
			}
			f, err := os.Open(out)
			if err != nil {
				t.Fatal(err)
			}
			got, err := parseWAV(f)
			f.Close()
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("after %d chunks the file has %d samples, %v, want %d", n, len(got), err, len(want))
			}
		}
		for i := range 5 * media.ChunkSamples {
			if want[i] != pcm[i%len(pcm)] {
				t.Fatalf("sample %d of the repeated file is %d, want %d", i, want[i], pcm[i%len(pcm)])
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestOpenErrors(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		ctx  context.Context
		name string
		want error
	}{
		{t.Context(), None, ErrNotFound},
		{t.Context(), "", ErrNotFound},
		{t.Context(), "test:x", ErrNotFound},
		{t.Context(), "test:-1", ErrNotFound},
		{t.Context(), "ffmpeg:'", ErrFormat},
		{cancelled, Test, context.Canceled},
	} {
		_, err := OpenMic(tt.ctx, tt.name)
		if e, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, tt.want) || e.Device != tt.name {
			t.Errorf("OpenMic(%q) = %v, want %v", tt.name, err, tt.want)
		}
	}
	for _, name := range []string{None, ""} {
		if _, err := OpenSpeaker(t.Context(), name); !errors.Is(err, ErrNotFound) {
			t.Errorf("OpenSpeaker(%q) = %v, want ErrNotFound", name, err)
		}
	}
	if _, err := OpenSpeaker(cancelled, Test); !errors.Is(err, context.Canceled) {
		t.Errorf("OpenSpeaker with a cancelled context = %v", err)
	}
}

// TestPull makes sure that a driver that reads paces the writer.
func TestPull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPull()
		go func() { // a driver that takes 5 ms at a time, little endian
			b := make([]byte, 480)
			for want := 0; ; want += 240 {
				time.Sleep(5 * time.Millisecond)
				n, err := p.Read(b)
				if errors.Is(err, io.EOF) {
					return
				}
				if got := int(b[0]) + int(b[1])<<8; n != 480 || err != nil || got != want%media.ChunkSamples {
					t.Errorf("Read = %d bytes from sample %d, %v, want 480 from %d", n, got, err, want%media.ChunkSamples)
				}
			}
		}()
		var c media.Chunk
		for i := range c.PCM {
			c.PCM[i] = int16(i)
		}
		start := time.Now()
		for n := range 10 {
			if n > 5 { // waiting first makes no difference to when
				if err := p.wait(); err != nil {
					t.Fatal(err)
				}
			}
			if n%2 == 0 { // with and without asking first
				if err := p.wait(); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.write(&c); err != nil {
				t.Fatal(err)
			}
			if took, want := time.Since(start), time.Duration(n)*media.ChunkTime; took != want {
				t.Errorf("chunk %d was taken after %v, want %v", n, took, want)
			}
		}
		if n := p.waiting(); n != media.ChunkSamples {
			t.Errorf("%d samples wait, want %d", n, media.ChunkSamples)
		}
		p.close()
		if err := p.wait(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("wait after close = %v, want os.ErrClosed", err)
		}
		if err := p.write(&c); !errors.Is(err, os.ErrClosed) {
			t.Errorf("write after close = %v, want os.ErrClosed", err)
		}
		if err := p.wait(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("wait after close = %v, want os.ErrClosed", err)
		}
		time.Sleep(time.Second) // the driver ends
	})
}

// TestFFmpegMicArgs holds the command lines for systems that we cannot try here.
func TestFFmpegMicArgs(t *testing.T) {
	list := `[dshow @ 0x1] "Integrated Camera" (video)
[dshow @ 0x1]   Alternative name "@device_pnp_1"
[dshow @ 0x1] "Microphone Array (Realtek)" (audio)
[dshow @ 0x1]   Alternative name "@device_cm_2"
[dshow @ 0x1] "Headset" (audio)
`
	find := func(name string) capture {
		how, err := dshowFindMic(list, name)
		if err != nil {
			t.Errorf("dshowFindMic(%q) = %v", name, err)
		}
		return how
	}
	const (
		before  = "-nostdin -hide_banner -loglevel error "
		quick   = "-fflags nobuffer -flags low_delay -probesize 32 -analyzeduration 0 "
		after   = " -vn -sn -dn -ac 1 -ar 48000 -f s16le -flush_packets 1 pipe:1"
		windows = "-f dshow -audio_buffer_size 10 -i audio="
	)
	for _, tt := range []struct {
		how  capture
		want string
	}{
		{avfoundationMic(Auto), quick + "-f avfoundation -i :default"},
		{avfoundationMic("USB"), quick + "-f avfoundation -i :USB"},
		{find(Auto), quick + windows + "Microphone Array (Realtek)"},
		{find("headset"), quick + windows + "Headset"},
		{fileCapture("a.ogg"), "-re -stream_loop -1 -i file:a.ogg"},
	} {
		if got := strings.Join(ffmpegMicArgs(tt.how.args), " "); got != before+tt.want+after {
			t.Errorf("command line\n%s, want\n%s", got, before+tt.want+after)
		}
	}
	if _, err := dshowFindMic(list, "Integrated"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a camera as a microphone: %v, want ErrNotFound", err)
	}
	if _, err := dshowFindMic("", Auto); !errors.Is(err, ErrNoDevice) {
		t.Errorf("no microphone: %v, want ErrNoDevice", err)
	}
}

// TestFFmpegMic runs FFmpeg, which makes a tone.
func TestFFmpegMic(t *testing.T) {
	needFFmpeg(t)
	m, err := OpenMic(t.Context(), "ffmpeg:-re -f lavfi -i sine=frequency=440:sample_rate=44100")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var c media.Chunk
	best := 0.0
	for range 25 {
		if err := m.ReadChunk(&c); err != nil {
			t.Fatal(err)
		}
		best = max(best, amplitude(c.PCM[:], 440))
	}
	if best < 3500 || best > 4500 { // FFmpeg's sine has an eighth of full scale
		t.Errorf("the tone comes with an amplitude of %.0f, want 4096", best)
	}
	ended := make(chan error, 1)
	go func() {
		for {
			if err := m.ReadChunk(&c); err != nil {
				ended <- err
				return
			}
		}
	}()
	m.Close()
	if err := <-ended; !errors.Is(err, os.ErrClosed) {
		t.Errorf("ReadChunk after Close = %v, want os.ErrClosed", err)
	}
}

// TestFFmpegMicEnds makes sure that the end of the input comes after all of its
// sound, and that FFmpeg's own words are passed on.
func TestFFmpegMicEnds(t *testing.T) {
	needFFmpeg(t)
	m, err := OpenMic(t.Context(), "ffmpeg:-f lavfi -i sine=duration=0.1")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var c media.Chunk
	n := 0
	for err == nil {
		if err = m.ReadChunk(&c); err == nil {
			n++
		}
	}
	if n != 10 || !errors.Is(err, errFFmpeg) {
		t.Errorf("%d chunks, then %v, want 10, then the end", n, err)
	}
	_, err = OpenMic(t.Context(), "ffmpeg:-i /missing.ogg")
	if !errors.Is(err, errFFmpeg) || !strings.Contains(err.Error(), "No such file") {
		t.Errorf("OpenMic of a file that is missing = %v, want FFmpeg's words", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err = OpenMic(t.Context(), "ffmpeg:-i x"); !errors.Is(err, ErrNoFFmpeg) {
		t.Errorf("OpenMic without FFmpeg = %v, want ErrNoFFmpeg", err)
	}
}
