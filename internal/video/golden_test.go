package video

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"image"
	"os"
	"strings"
	"testing"
)

// The golden stream holds, for each picture, its id, its reference and its
// length in two bytes each, big endian, then its bytes.
const (
	goldenStream = "testdata/golden.bin"
	goldenSum    = "testdata/golden.sha256"
	encoderSum   = "testdata/encoder.sha256"
	floorsFile   = "testdata/floors.json"
)

// recordGolden returns a stream of a synthetic clip: all of the format, four
// qualities, two sizes, with and without colour, a reference that is not the
// last picture.
func recordGolden(t *testing.T) []byte {
	var stream []byte
	id := uint16(65530)
	for n, size := range [][2]int{{72, 56}, {161, 97}, {60, 20}, {101, 67}} {
		l := newLink(t, Config{Width: size[0], Height: size[1], Chroma: n >= 2, FirstID: id})
		for i := range 12 {
			src := coloured(synthetic(size[0], size[1], i), i)
			switch i {
			case 5:
				l.enc.Refer(l.enc.id - 3)
			case 7:
				for k, v := range src.Y {
					src.Y[k] = weight{gain: 112, offset: 3}.apply(v)
				}
			case 9:
				copy(src.Y, noisy(size[0], size[1], 77).Y)
			}
			l.enc.rate.qp16 = []int{24, 10, 36, 3}[i%4] * 16
			b, p := l.send(src)
			for _, v := range []int{int(p.ID), int(p.Ref), len(b)} {
				stream = binary.BigEndian.AppendUint16(stream, uint16(v))
			}
			stream = append(stream, b...)
		}
		id = l.enc.id
	}
	return stream
}

// playGolden returns the hash of all that a stream decompresses to.
func playGolden(t *testing.T, stream []byte) string {
	h := sha256.New()
	d := NewDecoder()
	var out image.YCbCr
	n := 0
	for ; len(stream) >= 6; n++ {
		p := Picture{ID: binary.BigEndian.Uint16(stream), Ref: binary.BigEndian.Uint16(stream[2:])}
		size := int(binary.BigEndian.Uint16(stream[4:]))
		if err := d.Decode(stream[6:6+size], p, &out); err != nil {
			t.Fatalf("picture %+v: %v", p, err)
		}
		h.Write(out.Y)
		h.Write(out.Cb)
		h.Write(out.Cr)
		stream = stream[6+size:]
	}
	if n != 48 {
		t.Errorf("%d pictures, want 48", n)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// TestGolden decompresses a stored stream: what it holds must not change, on any
// machine, without a new format.
func TestGolden(t *testing.T) {
	if *update {
		stream := recordGolden(t)
		writeFile(t, goldenStream, stream)
		writeFile(t, goldenSum, []byte(playGolden(t, stream)+"\n"))
	}
	stream, err := os.ReadFile(goldenStream)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(goldenSum)
	if err != nil {
		t.Fatal(err)
	}
	if got := playGolden(t, stream); got != strings.TrimSpace(string(want)) {
		t.Errorf("%s decompresses to %s, want %s", goldenStream, got, want)
	}
}

// TestGoldenEncoder checks that the encoder makes the same bytes on every
// machine. They may change with the encoder, those of TestGolden with the format
// alone: rewrite them by name.
func TestGoldenEncoder(t *testing.T) {
	sum := sha256.Sum256(recordGolden(t))
	got := hex.EncodeToString(sum[:])
	if *update {
		writeFile(t, encoderSum, []byte(got+"\n"))
	}
	want, err := os.ReadFile(encoderSum)
	if err != nil {
		t.Fatal(err)
	}
	if got != strings.TrimSpace(string(want)) {
		t.Errorf("the stream's hash is %s, want %s", got, want)
	}
}

func writeFile(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// floor is what the test clip takes and keeps at one qp.
type floor struct {
	QP       int     `json:"qp"`
	KeyBytes int     `json:"key_bytes"` // of the first picture
	Bytes    int     `json:"bytes"`     // of the others
	PSNR     float64 `json:"psnr"`      // dB, mean
	SSIM     float64 `json:"ssim"`      // mean
}

// measure codes the clip at qp.
func measure(tb testing.TB, clip []*image.YCbCr, qp int) floor {
	l := newLink(tb, Config{Width: 160, Height: 96})
	l.enc.rate.qp16 = qp * 16
	f := floor{QP: qp}
	for i, src := range clip {
		b, _ := l.send(src)
		if i == 0 {
			f.KeyBytes = len(b)
		} else {
			f.Bytes += len(b)
		}
		f.PSNR += psnr(src, &l.out) / float64(len(clip))
		f.SSIM += ssim(src, &l.out) / float64(len(clip))
	}
	return f
}

// kbps returns the rate at 30 pictures per second, without the key picture.
func (f floor) kbps(pictures int) float64 {
	return float64(f.Bytes) * 8 * 30 / float64(pictures-1) / 1000
}

// TestFloors compares size and quality with what was reached before.
func TestFloors(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	clip := loadClip(t)
	var floors []floor
	if *update {
		for qp := 16; qp <= 32; qp += 4 {
			floors = append(floors, measure(t, clip, qp))
		}
		b, err := json.MarshalIndent(floors, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, floorsFile, append(b, '\n'))
	}
	b, err := os.ReadFile(floorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &floors); err != nil || len(floors) == 0 {
		t.Fatalf("%s: %d floors, %v", floorsFile, len(floors), err)
	}
	for _, want := range floors {
		got := measure(t, clip, want.QP)
		t.Logf("qp %d: SSIM %.4f, %.2f dB, key %d bytes, then %.1f kbit/s", got.QP, got.SSIM, got.PSNR, got.KeyBytes, got.kbps(len(clip)))
		if got.PSNR < want.PSNR-0.01 || got.SSIM < want.SSIM-0.0001 ||
			got.Bytes > want.Bytes+want.Bytes/500 || got.KeyBytes > want.KeyBytes+want.KeyBytes/500 {
			t.Errorf("qp %d: %+v is worse than %+v", want.QP, got, want)
		}
	}
}

// TestQuality checks that constant quality is the quality that it should be.
func TestQuality(t *testing.T) {
	clip := loadClip(t)
	if f := measure(t, clip, qualityQP); f.SSIM < 0.97 || f.SSIM > 0.985 {
		t.Errorf("SSIM %.4f, want 0.97 to 0.985: %+v", f.SSIM, f)
	}
}
