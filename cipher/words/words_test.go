package words

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write words.txt anew")

func TestList(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]+$`)
	lengths := map[int]int{}
	for i := range Count {
		w := Word(i)
		if !form.MatchString(w) {
			t.Errorf("Word(%d) = %q, want letters from a to z", i, w)
		}
		if i > 0 && w <= Word(i-1) { // which also shows that all are distinct
			t.Errorf("Word(%d) = %q behind %q, want the order of the alphabet", i, w, Word(i-1))
		}
		lengths[len(w)]++
	}
	if lengths[3]+lengths[4]+lengths[5] != Count || lengths[3]*lengths[4]*lengths[5] == 0 {
		t.Errorf("words by length: %v, want 3 to 5 letters", lengths)
	}
	t.Logf("%d words, by length: %v", Count, lengths)
}

func TestWordOutOfRange(t *testing.T) {
	for _, i := range []int{-1, Count, 1 << 20} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Word(%d) did not panic", i)
				}
			}()
			Word(i)
		}()
	}
}

func TestFour(t *testing.T) {
	for _, tt := range []struct {
		bits [5]byte
		want [4]int
	}{
		{[5]byte{}, [4]int{0, 0, 0, 0}},
		{[5]byte{0xff, 0xff, 0xff, 0xff, 0xff}, [4]int{1023, 1023, 1023, 1023}},
		{[5]byte{0xff, 0xc0}, [4]int{1023, 0, 0, 0}},
		{[5]byte{0x00, 0x3f, 0xf0}, [4]int{0, 1023, 0, 0}},
		{[5]byte{0x00, 0x00, 0x0f, 0xfc, 0x00}, [4]int{0, 0, 1023, 0}},
		{[5]byte{3: 0x03, 4: 0xff}, [4]int{0, 0, 0, 1023}},
		{[5]byte{4: 1}, [4]int{0, 0, 0, 1}},
		{[5]byte{0x00, 0x40, 0x20, 0x0c, 0x04}, [4]int{1, 2, 3, 4}},
	} {
		var want [4]string
		for i, n := range tt.want {
			want[i] = Word(n)
		}
		if got := Four(tt.bits); got != want {
			t.Errorf("Four(%x) = %q, want %q", tt.bits, got, want)
		}
	}
}

func TestPhrase(t *testing.T) {
	number := map[string]int{}
	for i := range Count {
		number[Word(i)] = i
	}
	const draws = 4000
	seen := map[string]bool{}
	var drawn [3][Count]bool
	var twins [3]int
	for range draws {
		p := Phrase()
		parts := strings.Split(p, "-")
		if len(parts) != 3 {
			t.Fatalf("Phrase() = %q, want three words", p)
		}
		for i, w := range parts {
			n, ok := number[w]
			if !ok {
				t.Fatalf("Phrase() = %q: %q is not in the list", p, w)
			}
			drawn[i][n] = true
		}
		seen[p] = true
		for i, w := range parts {
			if w == parts[(i+1)%3] {
				twins[i]++
			}
		}
	}
	// Two words of a phrase are equal with a chance of 1/1024: about 4 times.
	if slices.Max(twins[:]) > 30 {
		t.Errorf("two words were equal %v times, by place, in %d draws", twins, draws)
	}
	// Two of 4,000 are equal with a chance of 0.7 %; ten, never.
	if len(seen) < draws-10 {
		t.Errorf("%d different phrases of %d", len(seen), draws)
	}
	// A word is missing in one place with a chance of e^-3.9: about 21 are.
	for i := range drawn {
		missing := 0
		for _, d := range drawn[i] {
			if !d {
				missing++
			}
		}
		if missing > 70 {
			t.Errorf("%d words never came in place %d in %d draws", missing, i, draws)
		}
	}
}

// TestWordsFile makes words.txt from EFF's list by the rule in CREDITS.md.
func TestWordsFile(t *testing.T) {
	source := readSource(t)
	dropped := readDropped(t, source)
	var left []string
	for _, w := range source {
		if !dropped[w] {
			left = append(left, w)
		}
	}
	byHand, similar := len(source)-len(left), pairs(left)
	left = thin(left, Count)
	slices.Sort(left)
	t.Logf("%d words - %d by hand - %d that one slip makes another = %d; pairs one slip apart: %d, then %d",
		len(source), byHand, len(source)-byHand-len(left), len(left), similar, pairs(left))
	want := strings.Join(left, "\n") + "\n"
	if *update {
		if err := os.WriteFile("words.txt", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if file != want {
		t.Error("words.txt is not what the rule gives: go test ./cipher/words -run WordsFile -update")
	}
}

// readSource returns EFF's list without its dice.
func readSource(t *testing.T) (words []string) {
	t.Helper()
	b, err := os.ReadFile("testdata/eff_short_wordlist_1.txt")
	if err != nil {
		t.Fatal(err)
	}
	distinct := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			t.Fatalf("source line %q, want dice and a word", line)
		}
		words = append(words, fields[1])
		distinct[fields[1]] = true
	}
	if len(words) != 1296 || len(distinct) != 1296 {
		t.Fatalf("source: %d words, %d distinct, want 1296", len(words), len(distinct))
	}
	return words
}

// readDropped returns the words of testdata/dropped.txt and those of the source
// that are not made of letters.
func readDropped(t *testing.T, source []string) map[string]bool {
	t.Helper()
	b, err := os.ReadFile("testdata/dropped.txt")
	if err != nil {
		t.Fatal(err)
	}
	dropped := map[string]bool{}
	for line := range bytes.Lines(b) {
		_, words, ok := strings.Cut(string(line), ": ")
		if strings.HasPrefix(string(line), "#") || !ok {
			continue
		}
		for w := range strings.FieldsSeq(words) {
			if dropped[w] || !slices.Contains(source, w) {
				t.Errorf("dropped.txt: %q is there twice, or not in the source", w)
			}
			dropped[w] = true
		}
	}
	for _, w := range source {
		if strings.ContainsFunc(w, func(r rune) bool { return r < 'a' || r > 'z' }) {
			dropped[w] = true
		}
	}
	return dropped
}

// thin drops words until n are left: always the one that one slip turns into
// the most others, the longest of these, and of these the last in the alphabet.
func thin(words []string, n int) []string {
	words = slices.Clone(words)
	near := map[string][]string{}
	for i, w := range words {
		for _, v := range words[:i] {
			if slip(w, v) {
				near[w] = append(near[w], v)
				near[v] = append(near[v], w)
			}
		}
	}
	for len(words) > n {
		worst := slices.MaxFunc(words, func(v, w string) int {
			return cmp.Or(cmp.Compare(len(near[v]), len(near[w])), cmp.Compare(len(v), len(w)), cmp.Compare(v, w))
		})
		is := func(w string) bool { return w == worst }
		words = slices.DeleteFunc(words, is)
		for _, v := range near[worst] {
			near[v] = slices.DeleteFunc(near[v], is)
		}
	}
	return words
}

// pairs counts the pairs of words that one slip turns into each other.
func pairs(words []string) (n int) {
	for i, w := range words {
		for _, v := range words[:i] {
			if slip(w, v) {
				n++
			}
		}
	}
	return n
}

// slip tells whether one letter that is wrong, missing, too many, or swapped
// with the next turns one word into the other.
func slip(v, w string) bool {
	if len(v) > len(w) {
		v, w = w, v
	}
	start := 0
	for start < len(v) && v[start] == w[start] {
		start++
	}
	v, w = v[start:], w[start:]
	switch {
	case w == "":
		return false // the same word
	case len(v) < len(w):
		return v == w[1:]
	case v[1:] == w[1:]:
		return true
	default:
		return len(v) > 1 && v[0] == w[1] && v[1] == w[0] && v[2:] == w[2:]
	}
}

func TestSlip(t *testing.T) {
	for _, tt := range []struct {
		v, w string
		want bool
	}{
		{"lake", "lake", false},
		{"lake", "late", true},
		{"lake", "bake", true},
		{"lake", "flake", true},
		{"lake", "lakes", true},
		{"lakes", "lake", true},
		{"angel", "angle", true},
		{"trail", "trial", true},
		{"lake", "flakes", false},
		{"lake", "kale", false},
		{"tiger", "ember", false},
		{"ab", "ba", true},
		{"abc", "bca", false},
	} {
		if got := slip(tt.v, tt.w); got != tt.want {
			t.Errorf("slip(%q, %q) = %t, want %t", tt.v, tt.w, got, tt.want)
		}
		if got := slip(tt.w, tt.v); got != tt.want {
			t.Errorf("slip(%q, %q) = %t, want %t", tt.w, tt.v, got, tt.want)
		}
	}
}

// The words of these bits hold the list still: it is a part of the protocol.
func ExampleFour() {
	for _, w := range Four([5]byte{0x12, 0x34, 0x56, 0x78, 0x9a}) {
		fmt.Println(w)
	}
	// Output:
	// blimp
	// spoof
	// good
	// clad
}
