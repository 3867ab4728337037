package libopus

import (
	"bytes"
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/media"
)

func TestParse(t *testing.T) {
	want := []Record{{Play, 0x12345678, []byte{1, 2, 3}}, {Kind: Lost, Packet: []byte{}}, {Restore, 0, bytes.Repeat([]byte{7}, 400)}}
	var b []byte
	for _, r := range want {
		b = r.Append(b)
	}
	if got, err := Parse(b); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Parse(%x) = %v, %v, want %v", b, got, err, want)
	}
	for _, n := range []int{1, header - 1, header, header + 2, len(b) - 1} {
		if got, err := Parse(b[:n]); err == nil {
			t.Errorf("Parse(%x) = %v, want an error", b[:n], got)
		}
	}
}

// TestProgram codes a tone, and sees what is lost and what is wrong.
func TestProgram(t *testing.T) {
	p, err := Build(t.Context(), t.TempDir())
	lab.Need(t, err)
	s := Settings{Bitrate: 64000, Packet: 20 * time.Millisecond, Complexity: 5, Mode: "voip"}
	pcm := make([]int16, 10*s.Samples())
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*440*float64(i)/media.SampleRate))
	}
	records, spent, err := p.Encode(t.Context(), s, pcm)
	if err != nil || len(records) != 10 || spent <= 0 || len(records[9].Packet) != 160 {
		t.Fatalf("Encode = %d records in %v, %v, want 10 of 160 bytes", len(records), spent, err)
	}
	records[9].Range++
	got, spent, wrong, err := p.Decode(t.Context(), s.Samples(), append(records, Record{Kind: Lost}))
	if err != nil || wrong != 1 || spent <= 0 || len(got) != len(pcm)+s.Samples() {
		t.Fatalf("Decode = %d samples in %v, %d wrong, %v, want %d and 1", len(got), spent, wrong, err, len(pcm)+s.Samples())
	}
	if loudest := got[4*s.Samples()]; loudest == 0 {
		t.Error("the tone is silent")
	}
	if _, _, _, err := p.Decode(t.Context(), s.Samples(), []Record{{Kind: Play, Packet: []byte{0xff}}}); err == nil {
		t.Error("a malformed packet is decoded")
	}
}

func TestBuildRefuses(t *testing.T) {
	if _, err := Build(t.Context(), filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("Build in a missing directory worked")
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Build(t.Context(), t.TempDir()); !errors.Is(err, ErrMissing) {
		t.Errorf("Build without a compiler: %v, want %v", err, ErrMissing)
	}
}
