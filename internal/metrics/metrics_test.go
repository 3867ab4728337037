package metrics

import (
	"fmt"
	"math"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestAppend(t *testing.T) {
	tests := []struct {
		name string
		got  []byte
		want string
	}{
		{
			"counter", AppendCounter(nil, "x_total", "Xs so far.", 3),
			"# HELP x_total Xs so far.\n# TYPE x_total counter\nx_total 3\n",
		},
		{
			"after others", AppendGauge([]byte("y 1\n"), "x_bytes", "", 0),
			"y 1\n# HELP x_bytes \n# TYPE x_bytes gauge\nx_bytes 0\n",
		},
		{
			"help that must be escaped", AppendGauge(nil, "x", "a \\ b\n\"c\"", -2),
			"# HELP x a \\\\ b\\n\"c\"\n# TYPE x gauge\nx -2\n",
		},
		{
			"labels in order", AppendCounters(nil, "x_total", "Xs.", "why", map[string]uint64{"b": 2, "c": 3, "a": 1}),
			"# HELP x_total Xs.\n# TYPE x_total counter\nx_total{why=\"a\"} 1\nx_total{why=\"b\"} 2\nx_total{why=\"c\"} 3\n",
		},
		{
			"no label's value yet", AppendCounters(nil, "x_total", "Xs.", "why", nil),
			"# HELP x_total Xs.\n# TYPE x_total counter\n",
		},
		{
			"label that must be escaped", AppendCounters(nil, "x_total", "Xs.", "why", map[string]uint64{"a\\\"\n\r\xff{} é": 1}),
			"# HELP x_total Xs.\n# TYPE x_total counter\nx_total{why=\"a\\\\\\\"\\n\r\uFFFD{} é\"} 1\n",
		},
	}
	for _, tt := range tests {
		if string(tt.got) != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 0.25: "0.25", 1e6: "1000000", -1.5: "-1.5", 1 << 40: "1099511627776", 1e-9: "0.000000001",
		1 << 53: "9.007199254740992e+15", 1e300: "1e+300", math.Inf(1): "+Inf", math.Inf(-1): "-Inf",
	} {
		got := string(appendNumber(nil, v))
		if got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
		if back, err := strconv.ParseFloat(got, 64); err != nil || back != v {
			t.Errorf("%q is read as %v, %v, want %v", got, back, err, v)
		}
	}
	if got := string(appendNumber(nil, math.NaN())); got != "NaN" {
		t.Errorf("not a number is written %q", got)
	}
}

func TestMistakes(t *testing.T) {
	for name, call := range map[string]func(){
		"counter without _total":  func() { AppendCounter(nil, "x", "", 0) },
		"counters without _total": func() { AppendCounters(nil, "x", "", "why", nil) },
		"gauge with _total":       func() { AppendGauge(nil, "x_total", "", 0) },
		"no name":                 func() { AppendGauge(nil, "", "", 0) },
		"digit first":             func() { AppendGauge(nil, "9x", "", 0) },
		"hyphen":                  func() { AppendGauge(nil, "a-b", "", 0) },
		"end of line":             func() { AppendGauge(nil, "a\n", "", 0) },
		"next to letters":         func() { AppendGauge(nil, "a@", "", 0) },
		"not ASCII":               func() { AppendGauge(nil, "é", "", 0) },
		"no label":                func() { AppendCounters(nil, "x_total", "", "", nil) },
		"label with a quote":      func() { AppendCounters(nil, "x_total", "", `a"`, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call()
		})
	}
	AppendGauge(nil, "Az_09", "", 0) // is no mistake
}

// A figure is a value as a reader of the format finds it.
type figure struct {
	name, kind, label string
	value             float64
}

var (
	helpLine  = regexp.MustCompile(`^# HELP ([a-zA-Z_][a-zA-Z0-9_]*) (?:[^\\]|\\\\|\\n)*$`)
	typeLine  = regexp.MustCompile(`^# TYPE ([a-zA-Z_][a-zA-Z0-9_]*) (counter|gauge)$`)
	valueLine = regexp.MustCompile(`(?s)^([a-zA-Z_][a-zA-Z0-9_]*)(?:\{[a-zA-Z_][a-zA-Z0-9_]*="((?:[^\\"]|\\\\|\\"|\\n)*)"\})? (\S+)$`)
	unescape  = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\"`, `"`)
)

// parse reads text as Prometheus does, and stricter: each figure has its HELP,
// its TYPE and its values in this order, and comes once.
func parse(text string) ([]figure, error) {
	var all []figure
	var name, kind string
	seen := make(map[string]bool)
	rest, ok := strings.CutSuffix(text, "\n")
	if !ok {
		return nil, fmt.Errorf("%q does not end its last line", text)
	}
	for line := range strings.SplitSeq(rest, "\n") {
		if m := helpLine.FindStringSubmatch(line); m != nil {
			name, kind = m[1], ""
			if seen[name] {
				return nil, fmt.Errorf("%s comes twice", name)
			}
			seen[name] = true
			continue
		}
		if m := typeLine.FindStringSubmatch(line); m != nil && m[1] == name && kind == "" {
			kind = m[2]
			continue
		}
		m := valueLine.FindStringSubmatch(line)
		if m == nil || m[1] != name || kind == "" {
			return nil, fmt.Errorf("line %q, after %s %s", line, kind, name)
		}
		v, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			return nil, err
		}
		all = append(all, figure{name, kind, unescape.Replace(m[2]), v})
	}
	return all, nil
}

// FuzzLabel checks that any text survives as the value of a label, and that
// none adds a line.
func FuzzLabel(f *testing.F) {
	for _, s := range []string{"", "slow", `"`, `\`, `\n`, "\n", "a\r\nb", "\xff", "\u2028", `"} 1`, "\n# TYPE x counter\n", "é\\\"\n"} {
		f.Add(s, uint64(len(s)))
	}
	f.Fuzz(func(t *testing.T, s string, n uint64) {
		b := AppendCounters(nil, "x_total", s, "why", map[string]uint64{s: n})
		got, err := parse(string(b))
		if err != nil {
			t.Fatalf("%q of %q: %v", b, s, err)
		}
		want := []figure{{"x_total", "counter", wellFormed(s), float64(n)}}
		if !slices.Equal(got, want) {
			t.Errorf("%q is read as %+v, want %+v", b, got, want)
		}
	})
}

// wellFormed returns s with U+FFFD for each byte that is not UTF-8.
func wellFormed(s string) string { return string([]rune(s)) }

func TestProcess(t *testing.T) {
	text := AppendProcess(nil, "s2c_", time.Unix(1_700_000_000, 500e6))
	all, err := parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	// Each with the least and the most that a test takes.
	want := map[string][2]float64{
		"s2c_goroutines":                    {1, 1e5},
		"s2c_heap_bytes":                    {1e4, 1e11},
		"s2c_process_cpu_seconds_total":     {1e-6, 1e6},
		"s2c_process_resident_memory_bytes": {1e6, 1e12},
		"s2c_process_open_fds":              {3, 1e6},
		"s2c_process_start_time_seconds":    {1_700_000_000.5, 1_700_000_000.5},
	}
	if runtime.GOOS != "linux" {
		delete(want, "s2c_process_resident_memory_bytes")
		delete(want, "s2c_process_open_fds")
	}
	if runtime.GOOS == "windows" {
		delete(want, "s2c_process_cpu_seconds_total")
	}
	for _, f := range all {
		limits, ok := want[f.name]
		if !ok || f.value < limits[0] || f.value > limits[1] {
			t.Errorf("%s is %v, want %v", f.name, f.value, limits)
		}
		delete(want, f.name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v in\n%s", want, text)
	}
}
