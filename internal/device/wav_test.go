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
func wavBytes(f wavFormat, data []byte, size int64) []byte {
	if size < 0 {
		size = int64(len(data))
	}
	head := binary.LittleEndian.AppendUint16(nil, uint16(f.code))
	head = binary.LittleEndian.AppendUint16(head, uint16(f.channels))
	head = binary.LittleEndian.AppendUint32(head, uint32(f.rate))
	head = binary.LittleEndian.AppendUint32(head, uint32(f.rate*f.frameSize()))
	head = binary.LittleEndian.AppendUint16(head, uint16(f.frameSize()))
	head = binary.LittleEndian.AppendUint16(head, uint16(f.bits))
	return riff(chunkBytes("fmt ", head, -1), chunkBytes("data", data, size))
}

func chunkBytes(id string, body []byte, size int64) []byte {
	if size < 0 {
		size = int64(len(body))
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

func doubleBytes(list ...float64) (b []byte) {
	for _, v := range list {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

func TestParseWAV(t *testing.T) {
	t.Parallel() // the longest takes its time
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
		{"8 bits", wavBytes(wavFormat{wavPCM, 1, 8, 48000}, []byte{0, 127, 128, 255}, -1), []int16{math.MinInt16, -256, 0, 127 * 256}},
		{"24 bits", wavBytes(wavFormat{wavPCM, 1, 24, 48000}, []byte{9, 1, 0, 0, 0xff, 0xff, 0, 0, 0x80}, -1), samples},
		{"32 bits", wavBytes(wavFormat{wavPCM, 1, 32, 48000}, []byte{9, 9, 1, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0x80}, -1), samples},
		{
			"float", wavBytes(wavFormat{wavFloat, 1, 32, 48000}, floatBytes(0.5, -0.5, -2, 2, float32(math.NaN())), -1),
			[]int16{16384, -16384, math.MinInt16, math.MaxInt16, 0},
		},
		{
			"float of 64 bits", wavBytes(wavFormat{wavFloat, 1, 64, 48000}, doubleBytes(0.5, -2, math.Inf(1), math.NaN()), -1),
			[]int16{16384, math.MinInt16, math.MaxInt16, 0},
		},
		{"stereo", wavBytes(wavFormat{wavPCM, 2, 16, 48000}, []byte{10, 0, 20, 0, 0, 0x80, 0, 0x80}, -1), []int16{15, math.MinInt16}},
		{"extensible", riff(chunkBytes("fmt ", extensible, -1), chunkBytes("data", []byte{1, 0}, -1)), []int16{1}},
		{"other chunks", append(riff(oddChunk), good[12:]...), samples},
		{"24 kHz", wavBytes(wavFormat{wavPCM, 1, 16, 24000}, []byte{9, 0, 9, 0, 9, 0}, -1), []int16{9, 9, 9, 9, 9, 9}},
		{"96 kHz", wavBytes(wavFormat{wavPCM, 1, 16, 96000}, []byte{9, 0, 9, 0, 9, 0, 9, 0, 9, 0}, -1), []int16{9, 9}},
		{"one sample of 192 kHz", wavBytes(wavFormat{wavPCM, 1, 16, 192000}, []byte{9, 0}, -1), []int16{9}},
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
		{"12 bits", wavBytes(wavFormat{wavPCM, 1, 12, 48000}, make([]byte, 8), -1), nil},
		{"float of 16 bits", wavBytes(wavFormat{wavFloat, 1, 16, 48000}, make([]byte, 8), -1), nil},
		{"A-law", wavBytes(wavFormat{6, 1, 16, 48000}, make([]byte, 8), -1), nil},
		{"no channels", wavBytes(wavFormat{wavPCM, 0, 16, 48000}, make([]byte, 8), -1), nil},
		{"nine channels", wavBytes(wavFormat{wavPCM, 9, 16, 48000}, make([]byte, 18), -1), nil},
		{"slow", wavBytes(wavFormat{wavPCM, 1, 16, 7999}, make([]byte, 8), -1), nil},
		{"fast", wavBytes(wavFormat{wavPCM, 1, 16, 192001}, make([]byte, 8), -1), nil},
		{"too long", wavBytes(wavFormat{wavPCM, 1, 8, 8000}, make([]byte, maxWAVTime*8000+1), -1), nil},
	}
	for _, tt := range tests {
		got, err := parseWAV(bytes.NewReader(tt.in))
		if !slices.Equal(got, tt.want) || (tt.want == nil) != errors.Is(err, ErrFormat) {
			t.Errorf("%s: parseWAV(%x) = %d, %v, want %d", tt.name, tt.in[:min(len(tt.in), 100)], got[:min(len(got), 20)], err, tt.want)
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
	f.Add(wavBytes(wavFormat{wavFloat, 1, 64, 192000}, doubleBytes(0.5, -0.5, 1), -1))
	f.Add(wavBytes(wavFormat{wavPCM, 1, 8, 11025}, []byte{0, 128, 255}, -1))
	f.Add(wavBytes(wavFormat{wavPCM, 1, 32, 47999}, make([]byte, 12), -1))
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
		w := newWAVFile(file)
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
