package main

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-minutes", "0"}, {"-members", "1"}, {"-no-such-flag"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("run(%q) is no error", args)
		}
	}
}

// TestSoak has six members come and go for some seconds.
func TestSoak(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("descriptors and memory are those of Linux")
	}
	var out bytes.Buffer
	err := run(t.Context(), []string{"-minutes", "0.06", "-members", "6"}, &out)
	t.Log("\n" + out.String())
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(out.String()), "\n")
	if f := strings.Fields(rows[len(rows)-2]); f[1] != "0" || f[2] == "0" || f[2] != f[4] {
		t.Errorf("in, joins, failed, leaves: %q, want none in and as many leaves as joins", f[1:5])
	}
}

func TestCompare(t *testing.T) {
	before := use{goroutines: 10, files: 10, heap: 10 << 20}
	for _, tt := range []struct {
		after use
		want  string
	}{
		{before, ""},
		{use{goroutines: 10 + spareGoroutines, files: 10 + spareFiles, heap: 18 << 20}, ""},
		{use{goroutines: 9, files: 9, heap: 1}, ""},
		{use{goroutines: 11 + spareGoroutines}, "goroutines"},
		{use{files: 11 + spareFiles}, "descriptors"},
		{use{heap: 19 << 20}, "heap"},
	} {
		err := compare(before, tt.after)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("compare(%+v, %+v) = %v, want %q", before, tt.after, err, tt.want)
		}
	}
}
