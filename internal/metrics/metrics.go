// Package metrics writes figures in the text format that Prometheus reads,
// version 0.0.4, and answers who asks for them over HTTP.
//
// A figure has a name, a sentence of help and a kind: a counter only grows and
// its name ends in _total, a gauge goes up and down. Units are base units:
// seconds and bytes. A figure may have one label, for the reasons of something.
// Nothing is kept between two answers.
//
// It is written by hand because client_golang would bring a dozen modules for
// what takes a page here.
package metrics

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// ContentType is what HTTP calls the format.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// AppendCounter appends a counter to b and returns it. name is made of ASCII
// letters, digits and _, and ends in _total; any other is a mistake in this
// program, and panics. help is one sentence.
func AppendCounter(b []byte, name, help string, value float64) []byte {
	mustCount(name)
	return appendValue(appendHead(b, name, help, "counter"), name, "", "", value)
}

// AppendGauge is AppendCounter for a figure that goes up and down, whose name
// must not end in _total.
func AppendGauge(b []byte, name, help string, value float64) []byte {
	if strings.HasSuffix(name, "_total") {
		panic("metrics: internal error: gauge " + name + " is called as a counter is")
	}
	return appendValue(appendHead(b, name, help, "gauge"), name, "", "", value)
}

// AppendCounters is AppendCounter for several counters of one name, which a
// label tells apart. They are appended in the order of the label's values, so
// that two answers compare line by line. A value may be any text; what is not
// UTF-8 in it becomes U+FFFD.
func AppendCounters(b []byte, name, help, label string, values map[string]uint64) []byte {
	mustCount(name)
	mustName(label)
	b = appendHead(b, name, help, "counter")
	for _, v := range slices.Sorted(maps.Keys(values)) {
		b = appendValue(b, name, label, v, float64(values[v]))
	}
	return b
}

// mustCount panics unless name is that of a counter.
func mustCount(name string) {
	if !strings.HasSuffix(name, "_total") {
		panic("metrics: internal error: counter " + name + " does not end in _total")
	}
}

// mustName panics unless name may be that of a figure or a label. Prometheus
// also takes colons in names of figures, but they are for its own rules.
func mustName(name string) {
	for i, c := range []byte(name) {
		if c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' || i > 0 && '0' <= c && c <= '9' {
			continue
		}
		name = ""
		break
	}
	if name == "" {
		panic("metrics: internal error: a name has letters, digits and _")
	}
}

// appendHead appends the two lines that come before the values of a figure.
func appendHead(b []byte, name, help, kind string) []byte {
	mustName(name)
	b = append(append(b, "# HELP "...), name...)
	b = appendEscaped(append(b, ' '), help, false)
	b = append(append(b, "\n# TYPE "...), name...)
	b = append(append(b, ' '), kind...)
	return append(b, '\n')
}

// appendValue appends the line of one value; without a label, label is "".
func appendValue(b []byte, name, label, labelValue string, value float64) []byte {
	b = append(b, name...)
	if label != "" {
		b = append(append(b, '{'), label...)
		b = appendEscaped(append(b, `="`...), labelValue, true)
		b = append(b, `"}`...)
	}
	return append(appendNumber(append(b, ' '), value), '\n')
}

// appendNumber appends v so that it is read back as the same number. Whole
// numbers are written out, as people read them too.
func appendNumber(b []byte, v float64) []byte {
	const exact = 1 << 53 // from there on not every whole number is a float64
	format := byte('g')
	if math.Abs(v) < exact {
		format = 'f'
	}
	return strconv.AppendFloat(b, v, format, -1, 64)
}

// appendEscaped appends text of which no character ends the line, nor, inside
// quotes, the text.
func appendEscaped(b []byte, s string, quoted bool) []byte {
	for _, r := range s { // what is not UTF-8 comes as U+FFFD
		switch {
		case r == '\\':
			b = append(b, `\\`...)
		case r == '\n':
			b = append(b, `\n`...)
		case r == '"' && quoted:
			b = append(b, `\"`...)
		default:
			b = append(b, string(r)...)
		}
	}
	return b
}
