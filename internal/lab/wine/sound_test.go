package wine

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/sound"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/pulse"
)

const (
	toneLevel = 8000 // amplitude
	levelGap  = 3    // dB by which a tone may come louder or softer

	// soundDelay is the most that sound may take from mouth to ear, half of the time.
	// Among three or four buffers of 10 ms on either side, and the jitter of two
	// processes on a busy machine, an error of the kind of a second shows.
	soundDelay = 400 * time.Millisecond
)

// microphone runs the device package's own tests of Windows' microphones.
func (b *both) microphone(t *testing.T) {
	Need(t, b.windows.Sound())
	room := sound.ForTest(t, sound.Pulse)
	cmd, err := b.windows.Tests(t.Context(), "github.com/sanix-darker/s2c/internal/device",
		[]string{"PULSE_SERVER=" + room.Address()}, "-test.v", "-test.run", "^TestWave")
	if err != nil {
		t.Fatal(err)
	}
	said, err := output(t, cmd)
	if err != nil || strings.Contains(said, "--- SKIP") {
		t.Errorf("the tests of the microphones: %v, want none to be skipped:\n%s", err, said)
		return
	}
	for line := range strings.Lines(said) {
		if strings.Contains(line, ".go:") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// output runs a command and returns what it prints. That goes to a file: what Wine
// starts behind a program that first asks for sound would hold a pipe.
func output(t *testing.T, cmd *exec.Cmd) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	result := cmd.Run()
	said, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(said), result
}

// sound has Windows hear and be heard through its own devices, without FFmpeg.
func (b *both) sound(t *testing.T) {
	Need(t, b.windows.Sound())
	mouth, ear := sound.ForTest(t, sound.Pulse), sound.ForTest(t, sound.Pulse)
	hub, err := b.linux.Hub(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hub.End()
	live := func(mic string) []string {
		return []string{"--camera", "none", "--mic", mic, "--speaker", "auto", "--no-aec", "--stats", "200ms", hub.Addr}
	}
	there := []string{"PULSE_SERVER=" + mouth.Address()}
	b.listed(t, there)
	windows := b.joinWindows(t, 0, there, live("auto")...)
	linux := b.joinLinux(t, 1, ear.Env(), live("auto")...)
	linux.await(t, "the voice of Windows", hears)
	windows.await(t, "the voice of Linux", hears)

	var wg sync.WaitGroup
	wg.Go(func() { hearTone(t, "Linux", mouth, ear, 440) })
	wg.Go(func() { hearTone(t, "Windows", ear, mouth, 660) })
	wg.Wait()
	wg.Go(func() { measureDelay(t, "from Windows to Linux", mouth, ear) })
	wg.Go(func() { measureDelay(t, "from Linux to Windows", ear, mouth) })
	wg.Wait()

	windows.tell(t, "use microphone "+sound.MicDescription)
	windows.await(t, "the other microphone", func(e event) bool { return e.Event == "device" && e.Device == "microphone" })
	hearTone(t, "Linux, of the microphone by its name,", mouth, ear, 550)
	for _, m := range []*member{windows, linux} {
		for _, e := range m.all() {
			if e.Event == "device-lost" {
				t.Errorf("%s lost its %s: %s", m.name, e.Device, e.Error)
			}
		}
	}

	if err := mouth.UnloadMic(); err != nil {
		t.Fatal(err)
	}
	lost := windows.await(t, "the loss of its microphone", isEvent("device-lost"))
	t.Logf("Windows, its microphone pulled out: %s", lost.Error)
	if lost.Device != "microphone" {
		t.Errorf("lost %s: %s, want the microphone", lost.Device, lost.Error)
	}
	windows.leave(t)
	linux.leave(t)
}

// listed makes sure that Windows tells of the microphones, of which Wine's first is
// the choice of the sound server.
func (b *both) listed(t *testing.T, env []string) {
	t.Helper()
	text, err := output(t, b.windows.Command(t.Context(), env, "devices"))
	if err != nil || !strings.Contains(text, "\n* PulseAudio ") || !strings.Contains(text, "\n  "+sound.MicDescription) {
		t.Errorf("s2c.exe devices: %v, want PulseAudio to be the system's choice, and %s, in\n%s", err, sound.MicDescription, text)
	}
}

// hears reports whether e says that the voice of the only other one comes.
func hears(e event) bool {
	return len(e.Members) == 1 && e.Members[0].VoicePlayed >= 50
}

// hearTone plays a tone into the room of one server and makes sure that the speaker
// of the other plays it, as loud as it was.
func hearTone(t *testing.T, who string, from, to *sound.Server, hz float64) {
	player, err := pulse.OpenSpeaker(t.Context(), pulse.Config{Server: from.Address(), Device: sound.Room, Buffer: 400 * time.Millisecond})
	if err != nil {
		t.Error(err)
		return
	}
	recorder, err := pulse.OpenMic(t.Context(), pulse.Config{Server: to.Address(), Device: sound.SpeakerMonitor})
	if err != nil {
		t.Error(err)
		player.Close()
		return
	}
	var playing sync.WaitGroup
	playing.Go(func() { playTone(player, hz) })
	defer playing.Wait()
	defer recorder.Close()
	defer player.Close()

	// Half a second after another is compared with what was played, until one is
	// as it should be: the first ones are of what was before.
	var pcm [media.SampleRate / 2]int16
	var heard []string
	for end := time.Now().Add(awaitTime); time.Now().Before(end); {
		for at := 0; at < len(pcm); at += media.ChunkSamples {
			if _, err := recorder.Read(pcm[at:][:media.ChunkSamples]); err != nil {
				t.Error(err)
				return
			}
		}
		gap := 20 * math.Log10(amplitude(pcm[:], hz)/toneLevel)
		pure := amplitude(pcm[:], hz) / math.Sqrt2 / loudness(pcm[:])
		heard = append(heard, fmt.Sprintf("%+.1f dB %.2f", gap, pure))
		if math.Abs(gap) <= levelGap && pure > 0.95 {
			t.Logf("%s hears %v Hz: %v", who, hz, heard)
			return
		}
	}
	t.Errorf("%s does not hear %v Hz within %d dB: in each half second %v and the share in all that is heard", who, hz, levelGap, heard)
}

// playTone plays a tone until s is closed.
func playTone(s *pulse.Speaker, hz float64) {
	var pcm [media.ChunkSamples]int16
	for n := 0; ; {
		for i := range pcm {
			pcm[i] = int16(toneLevel * math.Sin(2*math.Pi*hz*float64(n)/media.SampleRate))
			n++
		}
		if s.Write(pcm[:]) != nil {
			return
		}
	}
}

// amplitude returns that of a tone in pcm.
func amplitude(pcm []int16, hz float64) float64 {
	var re, im float64
	for i, v := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / media.SampleRate)
		re += float64(v) * cos
		im += float64(v) * sin
	}
	return 2 * math.Hypot(re, im) / float64(len(pcm))
}

// loudness returns the root of the mean square of pcm.
func loudness(pcm []int16) float64 {
	sum := 1.0
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}

// measureDelay plays clicks to one member and makes sure that they come to the other
// in time.
func measureDelay(t *testing.T, way string, mouth, ear *sound.Server) {
	r, err := sound.Measure(t.Context(), sound.Options{
		Mouth: mouth.Address(), Ear: ear.Address(), Duration: 5 * time.Second, MaxDelay: time.Second, Seed: 1,
	})
	if err != nil {
		t.Error(err)
		return
	}
	t.Logf("%s: %d of %d clicks, after %.0f ms in the median, %.0f to %.0f", way, r.Sent-r.Lost, r.Sent, r.Median, r.Min, r.Max)
	if late := time.Duration(r.Median * float64(time.Millisecond)); r.Sent == 0 || 2*r.Lost > r.Sent || late > soundDelay {
		t.Errorf("%s: %d of %d clicks are lost, the others take %v, want most of them, and %v at most", way, r.Lost, r.Sent, late, soundDelay)
	}
}
