package cli_test

import (
	"strings"
	"testing"
)

func TestBenchUsage(t *testing.T) {
	for _, args := range [][]string{
		{"extra"},
		{"hub", "a:1", "b:1"},
		{"hub", "--rooms", "0"},
		{"hub", "--members", "1"},
		{"hub", "--members", "0", "--listeners", "9"},
		{"hub", "--rooms", "5000", "--members", "3"},
		{"hub", "--rooms", "1000000000", "--members", "1000000000"},
		{"hub", "--voice-rate", "0", "--video-rate", "0"},
		{"hub", "--video-rate", "-1"},
		{"hub", "--voice-rate", "1001"},
		{"hub", "--voice-size", "31"},
		{"hub", "--video-size", "1169"},
		{"hub", "--seconds", "0"},
		{"hub", "--loss", "100"},
		{"hub", "--loss", "NaN"},
		{"hub", "a/b"},
	} {
		if code, text := runCommand(t, nil, append([]string{"bench"}, args...)...); code != 2 || !strings.Contains(text, "hint: ") {
			t.Errorf("bench %q: exit code %d, %q", args, code, text)
		}
	}
	if code, text := runCommand(t, nil, "bench", "hub", "--seconds", "1", "--rooms", "1", "--members", "2", "127.0.0.1:1"); code != 3 {
		t.Errorf("without a hub: exit code %d, %q", code, text)
	}
}
