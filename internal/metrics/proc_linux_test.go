package metrics

import (
	"os"
	"testing"
)

func TestStatm(t *testing.T) {
	tests := []struct {
		text string
		want uint64
		ok   bool
	}{
		{"2500 700 300 10 0 200 0\n", 700 * 4096, true},
		{"1 0", 0, true},
		{"1", 0, false},
		{"", 0, false},
		{"1 x", 0, false},
		{"1 -1", 0, false},
		{"1 1099511627776", 0, false}, // 2^40
	}
	for _, tt := range tests {
		got, ok := parseStatm(tt.text, 4096)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("parseStatm(%q) = %d, %v, want %d, %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}

func TestOpenFiles(t *testing.T) {
	before, ok := openFiles()
	if !ok {
		t.Fatal("open files are not counted")
	}
	for range 5 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	if after, _ := openFiles(); after != before+5 {
		t.Errorf("%d files are open after 5 more, %d before", after, before)
	}
}
