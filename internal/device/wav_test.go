package device

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sanix-darker/s2c/internal/media"
)

// wavBytes returns a WAV file of that format, whose data chunk claims to be
// as long as size says, or as long as it is.
func wavBytes(f wavFormat, data []byte, size int) []byte {
	if size < 0 {
		size = len(data)
	}
	head := binary.LittleEndian.AppendUint16(nil, uint16(f.code))
	head = binary.LittleEndian.AppendUint16(head, uint16(f.channels))
	head = binary.LittleEndian.AppendUint32(head, uint32(f.rate))
	head = binary.LittleEndian.AppendUint32(head, uint32(f.rate*f.frameSize()))
	head = binary.LittleEndian.AppendUint16(head, uint16(f.frameSize()))
	head = binary.LittleEndian.AppendUint16(head, uint16(f.bits))
	return riff(chunkBytes("fmt ", head, -1), chunkBytes("data", data, size))
}

func chunkBytes(id string, body []byte, size int) []byte {
	if size < 0 {
		size = len(body)
	}
	return append(binary.LittleEndian.AppendUint32([]byte(id), uint32(size)), body...)
}

func riff(chunks ...[]byte) []byte {
	body := append([]byte("WAVE"), bytes.Join(chunks, nil)...)
	return chunkBytes("RIFF", body, -1)
}

func floatBytes(list ...float32) (b []byte) {
	for _, v := range list {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func TestParseWAV(t *testing.T) {
	pcm16 := wavFormat{wavPCM, 1, 16, 48000}
	good := wavBytes(pcm16, []byte{1, 0, 0xff, 0xff, 0, 0x80}, -1)
	samples := []int16{1, -1, math.MinInt16}
	extensible := slices.Concat(
		[]byte{0xfe, 0xff, 1, 0, 0x80, 0xbb, 0, 0, 0, 0x77, 1, 0, 2, 0, 16, 0, 22, 0, 16, 0, 4, 0, 0, 0},
		[]byte{1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71},
	)
	oddChunk := append(chunkBytes("LIST", []byte("abc"), -1), 0)
	tests := []struct {
		name string
		in   []byte
		want []int16 // nil means ErrFormat
	}{
		{"16 bits", good, samples},
		{"24 bits", wavBytes(wavFormat{wavPCM, 1, 24, 48000}, []byte{9, 1, 0, 0, 0xff, 0xff, 0, 0, 0x80}, -1), samples},
		{"32 bits", wavBytes(wavFormat{wavPCM, 1, 32, 48000}, []byte{9, 9, 1, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0x80}, -1), samples},
		{
			"float", wavBytes(wavFormat{wavFloat, 1, 32, 48000}, floatBytes(0.5, -0.5, -2, 2, float32(math.NaN())), -1),
			[]int16{16384, -16384, math.MinInt16, math.MaxInt16, 0},
		},
		{"stereo", wavBytes(wavFormat{wavPCM, 2, 16, 48000}, []byte{10, 0, 20, 0, 0, 0x80, 0, 0x80}, -1), []int16{15, math.MinInt16}},
		{"extensible", riff(chunkBytes("fmt ", extensible, -1), chunkBytes("data", []byte{1, 0}, -1)), []int16{1}},
		{"other chunks", append(riff(oddChunk), good[12:]...), samples},
		{"24 kHz", wavBytes(wavFormat{wavPCM, 1, 16, 24000}, []byte{0, 0, 10, 0, 20, 0}, -1), []int16{0, 5, 10, 15, 20, 20}},
		{"96 kHz", wavBytes(wavFormat{wavPCM, 1, 16, 96000}, []byte{0, 0, 10, 0, 20, 0, 30, 0, 40, 0}, -1), []int16{5, 25}},
		{"length unknown", wavBytes(pcm16, []byte{7, 0, 8, 0}, math.MaxUint32), []int16{7, 8}},
		{"length never written", wavBytes(pcm16, []byte{7, 0, 8, 0}, 0), []int16{7, 8}},
		{"cut short", wavBytes(pcm16, []byte{7, 0, 8, 0, 9}, 1000), []int16{7, 8}},

		{"empty", nil, nil},
		{"no WAV", []byte("RIFF\x04\x00\x00\x00AVI "), nil},
		{"no data", riff(good[12:36]), nil},
		{"data before format", riff(chunkBytes("data", []byte{1, 0}, -1)), nil},
		{"no samples", wavBytes(pcm16, nil, -1), nil},
		{"half a sample", wavBytes(pcm16, []byte{1}, -1), nil},
		{"short format", riff(chunkBytes("fmt ", []byte{1, 0, 1, 0}, -1), chunkBytes("data", []byte{1, 0}, -1)), nil},
		{"8 bits", wavBytes(wavFormat{wavPCM, 1, 8, 48000}, []byte{1, 2}, -1), nil},
		{"float of 64 bits", wavBytes(wavFormat{wavFloat, 1, 64, 48000}, make([]byte, 8), -1), nil},
		{"A-law", wavBytes(wavFormat{6, 1, 16, 48000}, make([]byte, 8), -1), nil},
		{"no channels", wavBytes(wavFormat{wavPCM, 0, 16, 48000}, make([]byte, 8), -1), nil},
		{"nine channels", wavBytes(wavFormat{wavPCM, 9, 16, 48000}, make([]byte, 18), -1), nil},
		{"slow", wavBytes(wavFormat{wavPCM, 1, 16, 7999}, make([]byte, 8), -1), nil},
		{"fast", wavBytes(wavFormat{wavPCM, 1, 16, 192001}, make([]byte, 8), -1), nil},
		{"too long", wavBytes(pcm16, make([]byte, 2*maxWAVSamples+2), -1), nil},
	}
	for _, tt := range tests {
		got, err := parseWAV(bytes.NewReader(tt.in))
		if !slices.Equal(got, tt.want) || (tt.want == nil) != errors.Is(err, ErrFormat) {
			t.Errorf("%s: parseWAV(%x) = %d, %v, want %d", tt.name, tt.in[:min(len(tt.in), 100)], got[:min(len(got), 20)], err, tt.want)
		}
	}
}

// TestResample makes sure that a tone keeps its pitch and strength.
func TestResample(t *testing.T) {
	for _, rate := range []int{8000, 16000, 22050, 44100, 48000, 96000, 192000} {
		pcm := make([]int16, rate)
		for i := range pcm {
			pcm[i] = int16(8000 * math.Sin(2*math.Pi*440*float64(i)/float64(rate)))
		}
		out := resample(pcm, rate)
		if len(out) != media.SampleRate {
			t.Errorf("a second at %d Hz becomes %d samples, want %d", rate, len(out), media.SampleRate)
		}
		if got := amplitude(out, 440); got < 7800 || got > 8100 {
			t.Errorf("a tone of 8000 at %d Hz becomes one of %.0f", rate, got)
		}
	}
}

// amplitude returns how much of a sine wave of that frequency is in pcm.
func amplitude(pcm []int16, hz float64) float64 {
	var re, im float64
	for i, v := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / media.SampleRate)
		re += float64(v) * cos
		im += float64(v) * sin
	}
	return 2 * math.Hypot(re, im) / float64(len(pcm))
}

// FuzzWAV makes sure that what is accepted can be written and read again.
func FuzzWAV(f *testing.F) {
	f.Add(wavBytes(wavFormat{wavPCM, 1, 16, 48000}, []byte{1, 0, 2, 0}, -1))
	f.Add(wavBytes(wavFormat{wavFloat, 2, 32, 44100}, floatBytes(0.5, -0.5, 1, 0), -1))
	f.Add(wavBytes(wavFormat{wavPCM, 3, 24, 8000}, make([]byte, 27), 0))
	f.Add(riff(chunkBytes("LIST", []byte("ab"), 1<<31)))
	path := filepath.Join(f.TempDir(), "a.wav")
	f.Fuzz(func(t *testing.T, in []byte) {
		pcm, err := parseWAV(bytes.NewReader(in))
		if err != nil {
			if pcm != nil || !errors.Is(err, ErrFormat) {
				t.Fatalf("parseWAV(%x) = %d samples, %v", in, len(pcm), err)
			}
			return
		}
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		w := &wavFile{f: file}
		padded := slices.Clone(pcm)
		for len(padded)%media.ChunkSamples != 0 {
			padded = append(padded, 0)
		}
		for c := range slices.Chunk(padded, media.ChunkSamples) {
			if err := w.write((*[media.ChunkSamples]int16)(c)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parseWAV(bytes.NewReader(b)); err != nil || !slices.Equal(again, padded) {
			t.Fatalf("%d samples of %x are read again as %d, %v", len(padded), in, len(again), err)
		}
	})
}

func TestWAVErrors(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.wav")
	if err := os.WriteFile(bad, []byte("no sound at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing.wav")
	for _, tt := range []struct {
		name string
		want error
		text string
	}{
		{bad, ErrFormat, `": format not understood: no WAV`},
		{missing, os.ErrNotExist, `": no such file or directory`},
	} {
		_, err := OpenMic(t.Context(), tt.name)
		if e, ok := errors.AsType[*Error](err); !ok || e.Op != "open microphone" || !errors.Is(err, tt.want) || !strings.HasSuffix(err.Error(), tt.text) {
			t.Errorf("OpenMic(%q) = %v, want %v ending in %s", tt.name, err, tt.want, tt.text)
		}
	}
	_, err := OpenSpeaker(t.Context(), filepath.Join(missing, "a.wav"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("OpenSpeaker in a folder that is missing: %v", err)
	}
}
