package audio

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/opusbench/libopus"
	"github.com/sanix-darker/s2c/internal/media"
)

// A vector is what libopus 1.3.1 made of a sound, and then of its packets: what
// any library behind coder and decoder must make of them as well. The files are
// written by "go test -run Vectors -update" with Debian's libopus-dev.
type vector struct {
	name     string
	settings libopus.Settings

	// What does not come, and is restored from the packet after it; the rest of
	// it is made up.
	lost     []int
	restored []int

	// snr is how many dB the sound from the first loss on is above its difference
	// to that of libopus at least. Before they are the same. What CELT makes up
	// is noise in part, and versions of libopus do not agree on it.
	snr float64
}

var vectors = []vector{
	{name: "silk20", settings: libopus.Settings{Bitrate: 16000, Packet: LongPacket, Mode: "silk"}},
	{name: "silk10", settings: libopus.Settings{Bitrate: 16000, Packet: ShortPacket, Mode: "silk"}},
	{name: "hybrid20", settings: libopus.Settings{Bitrate: 32000, Packet: LongPacket, Mode: "hybrid"}},
	{name: "hybrid10", settings: libopus.Settings{Bitrate: 32000, Packet: ShortPacket, Mode: "hybrid"}},
	{name: "celt20", settings: libopus.Settings{Bitrate: 64000, Packet: LongPacket, Mode: "celt"}},
	{name: "celt10", settings: libopus.Settings{Bitrate: 64000, Packet: ShortPacket, Mode: "celt"}},
	{name: "copies20", settings: libopus.Settings{Bitrate: 24000, Packet: LongPacket, Loss: 20, Mode: "silk"}, restored: []int{3, 5}, snr: 50},
	{name: "copies10", settings: libopus.Settings{Bitrate: 32000, Packet: ShortPacket, Loss: 20, Mode: "silk"}, restored: []int{6, 9, 12}, snr: 50},
	{name: "hybridcopies20", settings: libopus.Settings{Bitrate: 48000, Packet: LongPacket, Loss: 20, Mode: "hybrid"}, restored: []int{3, 5}, snr: 20},
	{name: "silkmadeup20", settings: libopus.Settings{Bitrate: 24000, Packet: LongPacket, Mode: "silk"}, lost: []int{4, 5}, snr: 50},
	{name: "hybridmadeup20", settings: libopus.Settings{Bitrate: 32000, Packet: LongPacket, Mode: "hybrid"}, lost: []int{4, 5}, snr: 20},
	{name: "celtmadeup20", settings: libopus.Settings{Bitrate: 64000, Packet: LongPacket, Mode: "celt"}, lost: []int{4, 5}, snr: 20},
}

// said is a vector's sound: 160 ms of a voice that hisses, and rises.
func said() []int16 {
	const n = media.SampleRate * 16 / 100
	r := rand.New(rand.NewPCG(5, 6))
	pcm := make([]int16, n)
	var phase, hiss float64
	for i := range pcm {
		t := float64(i) / media.SampleRate
		phase += 2 * math.Pi * (120 + 150*t) / media.SampleRate
		var x float64
		for h := 1.0; h <= 24; h++ {
			f := h * 120
			x += math.Sin(h*phase) * (formant(f, 600, 300) + 0.5*formant(f, 1700, 400) + 0.02)
		}
		noise := r.NormFloat64()
		hiss, noise = noise, noise-hiss
		voiced := 0.5 - 0.5*math.Cos(2*math.Pi*min(t/0.13, 1))
		pcm[i] = int16(5000*voiced*x + 500*noise*(1.1-voiced))
	}
	return pcm
}

// formant returns how much of a frequency passes one at middle, that wide.
func formant(f, middle, wide float64) float64 {
	x := (f - middle) / wide
	return math.Exp(-x * x)
}

// records returns what a decoder gets of the packets.
func (v *vector) records(packets []libopus.Record) []libopus.Record {
	kinds := slices.Repeat([]libopus.Kind{libopus.Play}, len(packets))
	for _, i := range v.lost {
		kinds[i] = libopus.Lost
	}
	for _, i := range v.restored {
		kinds[i] = libopus.Restore
	}
	var all []libopus.Record
	for i, p := range packets {
		switch kinds[i] {
		case libopus.Play:
		case libopus.Lost:
			p = libopus.Record{Kind: libopus.Lost}
		case libopus.Restore:
			p = libopus.Record{Kind: libopus.Restore, Packet: packets[i+1].Packet}
		}
		all = append(all, p)
	}
	return all
}

func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			records, want := readVector(t, v.name)
			d, err := newGopusDecoder()
			if err != nil {
				t.Fatal(err)
			}
			n := v.settings.Samples()
			if len(want) != n*len(records) || len(records) < 8 {
				t.Fatalf("%d samples of %d records of %d", len(want), len(records), n)
			}
			sure, pcm := -1, make([]int16, 0, len(want))
			for i, r := range records {
				if r.Kind != libopus.Play && sure < 0 {
					sure = i * n
				}
				pcm = append(pcm, decodeRecord(t, d, r, n)...)
			}
			if sure < 0 {
				sure = len(pcm)
			}
			if worst, other := differences(pcm[:sure], want[:sure]); worst > 2 || other*10000 > sure {
				t.Errorf("%d of %d samples differ by more than 1, one by %d", other, sure, worst)
			}
			if sure == len(pcm) {
				return
			}
			if got := similarity(pcm[sure:], want[sure:]); got < v.snr {
				t.Errorf("from the first loss on the sound is %.1f dB above the difference, want %v", got, v.snr)
			} else {
				t.Logf("%.1f dB", got)
			}
		})
	}
}

// decodeRecord returns what a decoder makes of a record.
func decodeRecord(t *testing.T, d *gopusDecoder, r libopus.Record, n int) []int16 {
	t.Helper()
	pcm, ok := make([]int16, n), true
	var err error
	switch r.Kind {
	case libopus.Play:
		err = d.decode(r.Packet, pcm)
		if got := d.dec.FinalRange(); err == nil && got != r.Range {
			t.Errorf("final state of the range coder %#x after %x, want %#x", got, r.Packet, r.Range)
		}
	case libopus.Lost:
		err = d.conceal(pcm)
	case libopus.Restore:
		ok, err = d.decodeFEC(r.Packet, pcm)
	}
	if err != nil || !ok {
		t.Fatalf("%c %x: %t, %v", r.Kind, r.Packet, ok, err)
	}
	return pcm
}

// differences returns the largest difference, and how many differ by more than 1.
func differences(got, want []int16) (worst, other int) {
	for i, x := range got {
		d := max(int(x)-int(want[i]), int(want[i])-int(x))
		worst = max(worst, d)
		if d > 1 {
			other++
		}
	}
	return worst, other
}

// similarity returns the power of want over that of the difference in dB.
func similarity(got, want []int16) float64 {
	var signal, noise float64
	for i, x := range got {
		signal += float64(want[i]) * float64(want[i])
		noise += math.Pow(float64(x)-float64(want[i]), 2)
	}
	return 10 * math.Log10(signal/max(noise, 1))
}

// TestReference has libopus decode our packets: it must come to the same state
// of the range coder, and the same sound.
func TestReference(t *testing.T) {
	c := reference(t)
	pcm := said()
	for _, tt := range []struct {
		bitrate, loss int
		packet        time.Duration
	}{
		{6000, 0, LongPacket},
		{16000, 0, LongPacket},
		{16000, 0, ShortPacket},
		{24000, 0, LongPacket},
		{24000, 20, LongPacket},
		{24000, 0, ShortPacket},
		{32000, 10, ShortPacket},
		{64000, 0, LongPacket},
		{64000, 0, ShortPacket},
	} {
		n := samplesOf(tt.packet)
		e, err := newGopusCoder(tt.bitrate, n)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.protect(tt.loss); err != nil {
			t.Fatal(err)
		}
		d, err := newGopusDecoder()
		if err != nil {
			t.Fatal(err)
		}
		var records []libopus.Record
		var want []int16
		for rest := pcm; len(rest) >= n; rest = rest[n:] {
			var packet [MaxPacket]byte
			size, err := e.encode(rest[:n], packet[:])
			if err != nil {
				t.Fatal(err)
			}
			r := libopus.Record{Kind: libopus.Play, Range: e.enc.FinalRange(), Packet: packet[:size]}
			records = append(records, r)
			want = append(want, decodeRecord(t, d, r, n)...)
		}
		got, _, wrong, err := c.Decode(t.Context(), n, records)
		if err != nil || wrong > 0 || len(got) != len(want) {
			t.Errorf("%+v: %d of %d packets are not understood, %d samples, %v", tt, wrong, len(records), len(got), err)
			continue
		}
		if worst, other := differences(got, want); worst > 2 || other*10000 > len(got) {
			t.Errorf("%+v: %d of %d samples differ by more than 1, one by %d", tt, other, len(got), worst)
		}
	}
}

// reference returns libopus.
func reference(t *testing.T) *libopus.Program {
	t.Helper()
	c, err := libopus.Build(t.Context(), t.TempDir())
	lab.Need(t, err)
	return c
}

// writeVectors writes the files.
func writeVectors(t *testing.T) {
	t.Helper()
	c := reference(t)
	for _, v := range vectors {
		v.settings.Complexity = 10
		packets, _, err := c.Encode(t.Context(), v.settings, said())
		if err != nil {
			t.Fatal(err)
		}
		records := v.records(packets)
		pcm, _, _, err := c.Decode(t.Context(), v.settings.Samples(), records)
		if err != nil {
			t.Fatal(err)
		}
		var raw []byte
		for _, r := range records {
			raw = r.Append(raw)
		}
		raw = append(binary.AppendUvarint(nil, uint64(len(raw))), raw...)
		// The second difference of speech is small, so it packs well.
		var before, slope int64
		for _, x := range pcm {
			d := int64(x) - before
			raw = binary.AppendVarint(raw, d-slope)
			before, slope = int64(x), d
		}
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(raw); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorFile(v.name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// readVector reads a file: the records, and what libopus made of them.
func readVector(t *testing.T, name string) (records []libopus.Record, pcm []int16) {
	t.Helper()
	b, err := os.ReadFile(vectorFile(name))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(flate.NewReader(bytes.NewReader(b)))
	if err != nil {
		t.Fatal(err)
	}
	size, n := binary.Uvarint(raw)
	if n <= 0 || size > uint64(len(raw)-n) {
		t.Fatalf("%s is not a vector", name)
	}
	records, err = libopus.Parse(raw[n:][:size])
	if err != nil {
		t.Fatal(err)
	}
	var x, slope int64
	for raw = raw[n:][size:]; len(raw) > 0; raw = raw[n:] {
		var d int64
		if d, n = binary.Varint(raw); n <= 0 {
			t.Fatalf("%s ends within a sample", name)
		}
		slope += d
		x += slope
		pcm = append(pcm, int16(x))
	}
	return records, pcm
}

func vectorFile(name string) string { return filepath.Join("testdata", "vectors", name+".bin") }
