package text

import (
	"errors"
	"math"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// hostile has what a member might send as a name, and what is left of it.
var hostile = []struct{ name, s, want string }{
	{"plain", "ann", "ann"},
	{"empty", "", ""},
	{"spaces inside", "ann  b", "ann  b"},
	{"spaces around", "  ann  ", "ann"},
	{"blanks alone", " \t\n\u00a0 ", ""},
	{"accents", "José Müller", "José Müller"},
	{"decomposed accents", "Jose\u0301", "Jose\u0301"},
	{"Vietnamese, decomposed", "Nguye\u0302\u0303n", "Nguye\u0302\u0303n"},
	{"Hebrew points", "שָׁלוֹם", "שָׁלוֹם"},
	{"Hindi", "हिन्दी", "हिन्दी"},
	{"Thai", "ภาษาไทย", "ภาษาไทย"},
	{"Tibetan", "བོད་ཡིག", "བོད་ཡིག"},
	{"Korean", "한국어", "한국어"},
	{"Japanese", "日本語", "日本語"},
	{"emoji", "👋 hi", "👋 hi"},

	{"ESC", "a\x1bb", "ab"},
	{"CSI clears the screen", "\x1b[2Jann", "[2Jann"},
	{"CSI moves the cursor", "\x1b[10;10Hann", "[10;10Hann"},
	{"SGR", "\x1b[31;1mred\x1b[0m", "[31;1mred[0m"},
	{"OSC 0 sets the title", "\x1b]0;pwned\x07", "]0;pwned"},
	{"OSC 52 writes the clipboard", "\x1b]52;c;cm0gLXJm\x1b\\", "]52;c;cm0gLXJm\\"},
	{"OSC 8 links", "\x1b]8;;http://x\x1b\\a\x1b]8;;\x1b\\", "]8;;http://x\\a]8;;\\"},
	{"DCS", "\x1bP$q\"p\x1b\\", "P$q\"p\\"},
	{"DECRQSS answerback", "\x05\x1bZ", "Z"},
	{"reset", "\x1bc", "c"},
	{"C1 CSI as UTF-8", "\u009b2J", "2J"},
	{"C1 OSC as UTF-8", "\u009d0;x\u009c", "0;x"},
	{"C1 CSI as a byte", "\x9b2J", "2J"},
	{"all C1", "\u0080\u0084\u0085\u0088\u008d\u008e\u0090\u0096\u0098\u009a\u009e\u009f", ""},
	{"NUL", "a\x00b", "ab"},
	{"BEL", "\a\a\aann", "ann"},
	{"backspace", "ann\b\b\beve", "anneve"},
	{"carriage return", "ann\reve", "anneve"},
	{"newline", "ann\neve", "ann eve"},
	{"tab", "ann\teve", "ann eve"},
	{"vertical tab, form feed", "a\v\fb", "ab"},
	{"shift out", "a\x0eb\x0f", "ab"},
	{"DEL", "ann\x7f", "ann"},
	{"all C0", "\x00\x01\x02\x03\x04\x05\x06\a\b\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f", ""},

	{"right-to-left override", "ann\u202egpj.exe", "anngpj.exe"},
	{"all embeddings", "a\u202a\u202b\u202c\u202d\u202eb", "ab"},
	{"all isolates", "a\u2066\u2067\u2068\u2069b", "ab"},
	{"marks of direction", "a\u200e\u200f\u061cb", "ab"},
	{"zero-width space", "a\u200bb", "ab"},
	{"zero-width joiner and non-joiner", "a\u200c\u200db", "ab"},
	{"byte order mark", "\ufeffann", "ann"},
	{"word joiner", "a\u2060b", "ab"},
	{"invisible operators", "a\u2061\u2062\u2063\u2064b", "ab"},
	{"soft hyphen", "an\u00adn", "ann"},
	{"Mongolian vowel separator", "a\u180eb", "ab"},
	{"Mongolian variation selectors", "a\u180b\u180c\u180d\u180fb", "ab"},
	{"grapheme joiner", "a\u034fb", "ab"},
	{"line and paragraph separator", "a\u2028\u2029b", "ab"},
	{"odd spaces", "a\u2000\u2003\u2009\u202f\u205f\u3000b", "ab"},
	{"no-break space", "a\u00a0b", "a b"},
	{"Hangul fillers", "a\u115f\u1160\u3164\uffa0b", "ab"},
	{"blank Braille", "\u2800\u2800", ""},
	{"Khmer inherent vowels", "a\u17b4\u17b5b", "ab"},
	{"interlinear annotation", "a\ufff9b\ufffac\ufffb", "abc"},
	{"shorthand format", "a\U0001bca0b", "ab"},
	{"musical format", "a\U0001d173\U0001d17ab", "ab"},
	{"variation selectors", "❤\ufe0f a\ufe00\U000e0100", "❤ a"},
	{"tags", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "🏴"},
	{"language tag", "a\U000e0001\U000e0041b", "ab"},
	{"private use", "a\ue000\U000f0000\U00100000b", "ab"},
	{"noncharacters", "a\ufdd0\ufffe\uffff\U0010ffffb", "ab"},
	{"unassigned", "a\u0378b", "ab"},
	{"replacement character", "a\ufffdb", "ab"},
	{"invalid UTF-8", "a\xff\xfe\x80b", "ab"},
	{"cut UTF-8", "a\xe2\x82", "a"},
	{"overlong slash", "a\xc0\xafb", "ab"},
	{"surrogates", "a\xed\xa0\x80\xed\xb0\x80b", "ab"},
	{"beyond Unicode", "a\xf4\x90\x80\x80b", "ab"},
	{"invalid byte that splits ESC", "\x1b\xff[2J", "[2J"},

	{"ZWJ family", "👨\u200d👩\u200d👧\u200d👦", "👨👩👧👦"},
	{"ZWJ chain", strings.Repeat("👩\u200d", 100), strings.Repeat("👩", 16)},
	{"ZWJ alone", strings.Repeat("\u200d", 100), ""},
	{"skin tones", "👋🏽" + strings.Repeat("🏿", 100), "👋🏽" + strings.Repeat("🏿", 14)},
	{"flags", strings.Repeat("🇫🇷", 100), strings.Repeat("🇫🇷", 8)},
	{"keycap", "1\ufe0f\u20e3", "1\u20e3"},
	{"combining flood", "a" + strings.Repeat("\u0301", 10000) + "b", "a" + strings.Repeat("\u0301", 4) + "b"},
	{"mixed flood", "Z" + strings.Repeat("\u0300\u0489\u20dd", 1000), "Z\u0300\u0489\u20dd\u0300"},
	{"marks with controls between", "a\u0301\x00\u0301\u200d\u0301\u0301\u0301\u0301", "a\u0301\u0301\u0301\u0301"},
	{"mark without a letter", "\u0301\u0302ann", "ann"},
	{"mark after a leading space", " \u0301ann", "ann"},
	{"mark after a removed letter", "\x1b\u0301ann", "ann"},
	{"jamo flood", strings.Repeat("\u1100", 1000), strings.Repeat("\u1100", 16)},
	{"vowel flood", "\u0995" + strings.Repeat("\u09be", 1000), "\u0995" + strings.Repeat("\u09be", 31)},
	{"half-width marks", strings.Repeat("\uff9e", 1000), strings.Repeat("\uff9e", 32)},
	{"prepended letters", strings.Repeat("\u0d4e", 1000), strings.Repeat("\u0d4e", 32)},
	{"wide, one column too many", "a" + strings.Repeat("日", 16), "a" + strings.Repeat("日", 15)},
	{"full width", strings.Repeat("Ａ", 20), strings.Repeat("Ａ", 16)},
	{"three-em dashes", strings.Repeat("⸻", 20), strings.Repeat("⸻", 8)},
	{"10 kB", strings.Repeat("x", 10000), strings.Repeat("x", 32)},
	{"10 kB of ESC", strings.Repeat("\x1b", 10000), ""},
	{"10 kB of spaces", "a" + strings.Repeat(" ", 10000) + "b", "a"},
	{"cut before a mark", strings.Repeat("x", 32) + "\u0301y", strings.Repeat("x", 32) + "\u0301"},
}

func TestClean(t *testing.T) {
	for _, test := range hostile {
		got := Clean(test.s, MaxName)
		if got != test.want {
			t.Errorf("%s: Clean(%.80q) = %q, want %q", test.name, test.s, got, test.want)
		}
		for cells := range MaxName + 2 {
			checkClean(t, test.s, cells)
		}
	}
}

// checkClean fails the test unless what Clean makes of s is safe to print.
func checkClean(t *testing.T, s string, cells int) {
	t.Helper()
	got := Clean(s, cells)
	if again := Clean(got, cells); again != got {
		t.Errorf("Clean(%q) = %q, and of that %q", s, got, again)
	}
	if w := uniseg.StringWidth(got); w > max(cells, 0) {
		t.Errorf("Clean(%q, %d) = %q takes %d columns", s, cells, got, w)
	}
	if len(got) > max(cells, 0)*utf8.UTFMax*(1+maxMarks) {
		t.Errorf("Clean(%q, %d) has %d bytes", s, cells, len(got))
	}
	if !utf8.ValidString(got) || got != strings.TrimSpace(got) {
		t.Errorf("Clean(%q, %d) = %q", s, cells, got)
	}
	marks := maxMarks
	for _, r := range got {
		if r != ' ' && (!unicode.IsPrint(r) || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Z)) {
			t.Errorf("Clean(%q, %d) = %q has %U", s, cells, got, r)
		}
		if unicode.In(r, unicode.Mn, unicode.Me) {
			marks++
		} else {
			marks = 0
		}
		if marks > maxMarks {
			t.Errorf("Clean(%q, %d) = %q has too many marks", s, cells, got)
		}
	}
}

// TestEveryRune checks each character of the planes of Unicode that hold any,
// twice after a letter.
func TestEveryRune(t *testing.T) {
	planes := []struct{ first, last rune }{{0, 0x3ffff}, {0xe0000, 0xe0fff}, {0xffff0, 0x10000f}, {0x10fff0, unicode.MaxRune}}
	for _, plane := range planes {
		for r := plane.first; r <= plane.last; r++ {
			checkClean(t, "a"+string(r)+string(r), 4)
			if t.Failed() {
				t.Fatalf("%U", r)
			}
		}
	}
}

func TestNoColumns(t *testing.T) {
	for _, cells := range []int{0, -1, math.MinInt} {
		if got := Clean("ann\u0301", cells); got != "" {
			t.Errorf("Clean to %d columns = %q", cells, got)
		}
	}
}

func TestCheckName(t *testing.T) {
	tests := []struct {
		s    string
		want error
	}{
		{"ann", nil},
		{"Ann-Kathrin O'Neil", nil},
		{"日本語", nil},
		{"Jose\u0301", nil},
		{strings.Repeat("x", 32), nil},
		{strings.Repeat("日", 10), nil},
		{"👋👋👋👋👋👋👋👋", nil},
		{"", errEmpty},
		{strings.Repeat("x", 33), errLong},
		{strings.Repeat("日", 11), errLong},
		{strings.Repeat("⸻", 10), errChars}, // 40 columns in 30 bytes
		{" ann", errChars},
		{"ann ", errChars},
		{" ", errChars},
		{"a\tb", errChars},
		{"a\u00a0b", errChars},
		{"a\x1b[2J", errChars},
		{"a\u202eb", errChars},
		{"a\u200bb", errChars},
		{"\xff", errChars},
		{"\u0301", errChars},
		{"a\u0301\u0301\u0301\u0301\u0301", errChars},
		{"\u3164", errChars},
	}
	for _, test := range tests {
		if got := CheckName(test.s); !errors.Is(got, test.want) {
			t.Errorf("CheckName(%q) = %v, want %v", test.s, got, test.want)
		}
	}
}

// FuzzClean checks that whatever comes in, what goes out is safe to print.
func FuzzClean(f *testing.F) {
	for _, test := range hostile {
		if len(test.s) < 100 { // a long input takes the fuzzer minutes to cut down
			f.Add(test.s, MaxName)
		}
	}
	f.Fuzz(func(t *testing.T, s string, cells int) {
		checkClean(t, s, cells%1000)
		if CheckName(s) == nil && (len(s) > MaxName || Clean(s, MaxName) != s) {
			t.Errorf("CheckName(%q) = nil", s)
		}
	})
}
