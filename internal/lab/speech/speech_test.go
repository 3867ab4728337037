package speech

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestPESQ(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "pesq")
	for _, c := range []struct {
		script string
		want   float64 // 0: an error
	}{
		{"echo $1 $2 is 3.25", 3.25},
		{"[ $(stat -c %s $1) = 6 ] && [ $(stat -c %s $2) = 4 ] && echo 4.5", 4.5},
		{"echo", 0},
		{"echo good", 0},
		{"echo 25", 0},
		{"echo NaN", 0},
		{"echo 3; exit 1", 0},
	} {
		if err := os.WriteFile(program, []byte("#!/bin/sh\n"+c.script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		got, err := PESQ(t.Context(), program, dir, make([]int16, 3), make([]int16, 2))
		if got != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("%s: score %v, %v; want %v", c.script, got, err, c.want)
		}
	}
}

// TestWAV checks what is written, whole and cut off.
func TestWAV(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.wav")
	want := []int16{0, 1, -1, 32767, -32768, 256}
	if err := WriteWAV(name, want); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadWAV(name); err != nil || !slices.Equal(got, want) {
		t.Errorf("read %v, %v, want %v", got, err, want)
	}
	if err := os.Truncate(name, WAVHeader+5); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadWAV(name); err != nil || !slices.Equal(got, want[:2]) {
		t.Errorf("of a file cut off, read %v, %v, want %v", got, err, want[:2])
	}
	if err := os.Truncate(name, WAVHeader-1); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadWAV(name); err == nil {
		t.Errorf("of half a header, read %v", got)
	}
}
