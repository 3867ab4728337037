package trust

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sanix-darker/s2c/internal/text"
)

func TestNames(t *testing.T) {
	tests := []struct{ name, field string }{
		{"", "-"},
		{"-", "%2D"},
		{"--", "--"},
		{"ann", "ann"},
		{"Ann B", "Ann%20B"},
		{"100%", "100%25"},
		{"%20", "%2520"},
		{"#a", "#a"},
		{"verified", "verified"},
		{"first=2026-11-22", "first=2026-11-22"},
		{"日本 語", "日本%20語"},
		{"👋 hi", "👋%20hi"},
	}
	for _, test := range tests {
		if got := string(appendName(nil, test.name)); got != test.field {
			t.Errorf("appendName(%q) = %q, want %q", test.name, got, test.field)
		}
		if got := decodeName(test.field); got != test.name {
			t.Errorf("decodeName(%q) = %q, want %q", test.field, got, test.name)
		}
	}
	// What a person, or somebody worse, may have typed.
	typed := []struct{ field, name string }{
		{"100%", "100%"},
		{"5%2", "5%2"},
		{"%zz%4", "%zz%4"},
		{"%2d", "-"},
		{"%+1", "%+1"},
		{"%1b[2J", "[2J"},
		{"a%0Ab", "a b"},
		{"%FF%00", ""},
		{strings.Repeat("x", 100), strings.Repeat("x", 32)},
	}
	for _, test := range typed {
		if got := decodeName(test.field); got != test.name {
			t.Errorf("decodeName(%q) = %q, want %q", test.field, got, test.name)
		}
	}
}

// The short way of clean gives what text.Clean does.
func TestClean(t *testing.T) {
	for _, name := range []string{"", "a", " ", " a", "a ", "a b", "a  b", "~", "a\x7f", "a\tb", "é", strings.Repeat("x", 32), strings.Repeat("x", 33)} {
		if got, want := clean(name), text.Clean(name, text.MaxName); got != want {
			t.Errorf("clean(%q) = %q, want %q", name, got, want)
		}
	}
}

// FuzzPeers checks that a line that is a person reads back as the same one once
// it is written, and that a change of one person leaves all other lines as they
// are, byte for byte.
func FuzzPeers(f *testing.F) {
	f.Add([]byte(line(1, "ann first=2026-11-22 last=2026-11-22 verified")), "ann")
	f.Add([]byte("# people\r\n\n"+line(1, "ann%20b last=2026-11-22 x=1\ty")+line(1, "- verified")+line(2, "%2D")+fp(3).String()), "Ann B")
	f.Add([]byte(line(1, "a first=0001-01-01")+line(2, "b first=9999-12-31 first=2026-11-22")+line(3, "%1b[2J%")+"\xff\x00\n"), "\x1b[2J")
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		for _, e := range people(b) {
			again, isPerson := parseEntry(string(e.append(nil)))
			if !isPerson || !reflect.DeepEqual(again, e) {
				t.Errorf("%+v is written as %q, which reads as %+v, %v", e, e.append(nil), again, isPerson)
			}
			if clean(e.Name) != e.Name || strings.ContainsAny(e.Name, "\x1b\n\r\x00") {
				t.Errorf("the name %q is not clean", e.Name)
			}
		}
		// What Check reads is what is there.
		for _, who := range []Person{{Fingerprint: fp(1), Name: clean(name)}, {Fingerprint: fp(2)}} {
			var want, got []entry
			for _, e := range people(b) {
				if e.Fingerprint == who.Fingerprint || sameName(who.Name, e.Name) {
					want = append(want, e)
				}
			}
			for e := range about(b, who.Fingerprint, who.Name) {
				got = append(got, e.entry)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("about %+v in %q: %+v, want %+v", who, b, got, want)
			}
		}
		if same, changed := edit(b, func(*entry) bool { return true }); changed || !bytes.Equal(same, b) {
			t.Errorf("%q becomes %q, %v when nothing changes", b, same, changed)
		}
		// Fingerprint 1 is met, forgotten and met again.
		met, _ := edit(add(b, Person{Fingerprint: fp(1), Name: clean(name)}), func(e *entry) bool {
			e.Verified = e.Verified || e.Fingerprint == fp(1)
			return true
		})
		gone, _ := edit(met, func(e *entry) bool { return e.Fingerprint != fp(1) })
		if got, want := others(gone), others(b); got != want {
			t.Errorf("of %q %q is left, want %q", b, got, want)
		}
		if got, want := others(met), others(b); got != want {
			t.Errorf("of %q %q is left, want %q", b, got, want)
		}
		found := false
		for _, e := range people(met) {
			found = found || e.Fingerprint == fp(1) && e.Verified && e.Name == clean(name)
		}
		if !found {
			t.Errorf("%q is not verified in %q", name, met)
		}
	})
}

// others returns all lines but those of fingerprint 1, with an end.
func others(b []byte) string {
	var s strings.Builder
	for l := range bytes.Lines(b) {
		if e, isPerson := parseEntry(string(l)); isPerson && e.Fingerprint == fp(1) {
			continue
		}
		s.Write(bytes.TrimSuffix(l, []byte("\n")))
		s.WriteByte('\n')
	}
	return s.String()
}

// full returns a file of the greatest size.
func full(tb testing.TB) (p *Peers, lines int) {
	var b bytes.Buffer
	for ; b.Len() < maxPeers-200; lines++ {
		b.WriteString(line(lines, fmt.Sprintf("person%%20%d first=2026-11-01 last=2026-11-09 verified", lines)))
	}
	return open(tb, b.String()), lines
}

// BenchmarkCheck is what each join costs with 1 MiB of people.
func BenchmarkCheck(b *testing.B) {
	p, lines := full(b)
	b.ReportAllocs()
	b.ReportMetric(float64(lines), "people")
	for b.Loop() {
		if mark, _ := p.Check(fp(lines), "someone new"); mark != New {
			b.Fatal(mark)
		}
	}
}

// BenchmarkCheckFew is what it costs with twenty people.
func BenchmarkCheckFew(b *testing.B) {
	var s strings.Builder
	for i := range 20 {
		s.WriteString(line(i, fmt.Sprintf("person%d first=2026-11-01 last=2026-11-09", i)))
	}
	p := open(b, s.String())
	b.ReportAllocs()
	for b.Loop() {
		if mark, _ := p.Check(fp(19), "person19"); mark != Seen {
			b.Fatal(mark)
		}
	}
}

// BenchmarkMet is what the first meeting of a day costs with 1 MiB of people;
// it waits for the disk.
func BenchmarkMet(b *testing.B) {
	p, _ := full(b)
	b.ReportAllocs()
	day := on(10)
	for b.Loop() {
		if err := p.Met(fp(1), text.Clean("person 1", 32), day); err != nil {
			b.Fatal(err)
		}
		day = day.AddDate(0, 0, 1)
	}
}
