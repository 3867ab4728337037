package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/sframe"
)

func TestMillis(t *testing.T) {
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	wrap := time.UnixMilli(1 << 41) // where the low 32 bits are 0
	tests := []struct {
		from time.Time
		step time.Duration
	}{
		{start, 0},
		{start, 20 * time.Millisecond},
		{start, -20 * time.Millisecond},
		{start, 24 * 24 * time.Hour},
		{start, -24 * 24 * time.Hour},
		{wrap, -time.Millisecond},
		{wrap.Add(-time.Millisecond), 20 * time.Millisecond},
		{wrap.Add(-12 * 24 * time.Hour), 24 * 24 * time.Hour},
		{time.UnixMilli(-5), 10 * time.Millisecond},
	}
	for _, test := range tests {
		to := test.from.Add(test.step)
		if got := NewMillis(to).Sub(NewMillis(test.from)); got != test.step {
			t.Errorf("from %v to %v are %v, want %v", test.from, to, got, test.step)
		}
	}
	if got := NewMillis(wrap.Add(1500 * time.Microsecond)); got != 1 {
		t.Errorf("NewMillis = %d, want 1", got)
	}
	if got := Millis(0).Sub(math.MaxUint32); got != time.Millisecond {
		t.Errorf("0 - (2^32 - 1) = %v, want 1ms", got)
	}
}

func TestVoice(t *testing.T) {
	tests := []struct {
		v   Voice
		hex string
	}{
		{Voice{Index: 0x0102, Time: 0x03040506, Opus: []byte{0xf8}}, "0102" + "03040506" + "00" + "00" + "f8"},
		{
			Voice{Index: 0xffff, Time: 0xfffffffe, Level: 127, Speaking: true, Held: true, Opus: []byte("opus")},
			"ffff" + "fffffffe" + "ff" + "80" + "6f707573",
		},
		{
			Voice{Index: 2, Level: 20, N: 2, Copies: [2]VoiceCopy{{2, []byte{7}}, {255, []byte{8, 9}}}, Opus: []byte{6}},
			"0002" + "00000000" + "14" + "02" + "02000107" + "ff00020809" + "06",
		},
		{
			Voice{Index: 2, Level: 20, Bundle: true, N: 2, Copies: [2]VoiceCopy{{2, []byte{7}}, {1, []byte{8}}}, Opus: []byte{9}},
			"0002" + "00000000" + "14" + "42" + "070809",
		},
	}
	for _, test := range tests {
		b := test.v.Append([]byte("x"))[1:]
		if got := hex.EncodeToString(b); got != test.hex {
			t.Errorf("%+v is encoded as %s, want %s", test.v, got, test.hex)
		}
		if got, err := ParseVoice(b); err != nil || !reflect.DeepEqual(got, test.v) {
			t.Errorf("ParseVoice(%x) = %+v, %v, want %+v", b, got, err, test.v)
		}
		for cut := range len(b) - len(test.v.Opus) + 1 { // an Opus packet has at least one byte
			if _, err := ParseVoice(b[:cut]); !errors.Is(err, ErrMalformed) {
				t.Errorf("ParseVoice(%x) = %v, want %v", b[:cut], err, ErrMalformed)
			}
		}
	}
	for _, bad := range []string{
		"0002" + "00000000" + "14" + "03" + "02000107" + "02000107" + "02000107" + "06", // too many copies
		"0002" + "00000000" + "14" + "20" + "06",                                        // of a later version
		"0002" + "00000000" + "14" + "40" + "06",                                        // a bundle of one
		"0002" + "00000000" + "14" + "41" + "060708",                                    // two that are not as long as each other
		"0002" + "00000000" + "14" + "01" + "00000107" + "06",                           // a copy of itself
		"0002" + "00000000" + "14" + "01" + "020000" + "06",                             // of nothing
		"0002" + "00000000" + "14" + "01" + "02ffff07" + "06",                           // longer than there is
	} {
		b, err := hex.DecodeString(bad)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := ParseVoice(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("ParseVoice(%s) = %+v, %v, want %v", bad, v, err, ErrMalformed)
		}
	}
}

// TestVoiceAdd checks that copies never make a packet too long.
func TestVoiceAdd(t *testing.T) {
	tests := []struct {
		opus, copies []int // sizes in bytes
		want         int
	}{
		{[]int{60}, []int{60, 60}, 2},
		{[]int{60}, []int{60, 60, 60}, 2},
		{[]int{400}, []int{400, 400}, 1},
		{[]int{MaxPlain - voiceHead - copyHead - 1}, []int{1, 1}, 1},
		{[]int{MaxPlain - voiceHead - copyHead - 1}, []int{2, 1}, 1},
		{[]int{MaxPlain - voiceHead}, []int{1}, 0},
	}
	for _, test := range tests {
		v := Voice{Opus: make([]byte, test.opus[0])}
		for _, n := range test.copies {
			v.Add(VoiceCopy{1, make([]byte, n)})
		}
		if n := len(v.Append(nil)); v.N != test.want || n > MaxPlain {
			t.Errorf("%d bytes with copies of %d: %d copies, %d bytes; want %d, at most %d", test.opus[0], test.copies, v.N, n, test.want, MaxPlain)
		}
	}
}

func TestPart(t *testing.T) {
	parts := []Part{
		{ID: 0x0102, Ref: 0x0304, Time: 0x05060708, Part: 1, Parts: 2, Data: []byte{0xaa, 0xbb}},
		{ID: 5, Ref: 5, Time: 0, Part: 0, Parts: 1, Data: []byte{}},
		{ID: 6, Ref: 5, Parts: 1, Tall: true, Data: []byte{0xcc}},
		{ID: 0xffff, Ref: 0, Time: 1<<32 - 1, Part: 254, Parts: 255, Data: count(0, 200)},
	}
	const first = "0002" + "0102" + "0304" + "05060708" + "01" + "02" + "aabb"
	if got := hex.EncodeToString(parts[0].Append(nil)); got != first {
		t.Errorf("%+v is encoded as %s, want %s", parts[0], got, first)
	}
	var b []byte
	for _, p := range parts {
		b = p.Append(b)
	}
	rest := b
	for _, want := range parts {
		var got Part
		var err error
		if got, rest, err = ParsePart(rest); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("ParsePart = %+v, %v, want %+v", got, err, want)
		}
		if cap(got.Data) != len(got.Data) {
			t.Errorf("the data of Part %d can grow over the next one", got.ID)
		}
	}
	if len(rest) != 0 {
		t.Errorf("%d bytes are left", len(rest))
	}
	for _, p := range parts {
		b := p.Append(nil)
		for cut := range b {
			if got, rest, err := ParsePart(b[:cut]); !errors.Is(err, ErrMalformed) || rest != nil || !reflect.DeepEqual(got, Part{}) {
				t.Errorf("ParsePart(%x) = %+v, %x, %v, want %v", b[:cut], got, rest, err, ErrMalformed)
			}
		}
	}
	for _, bad := range []Part{{Part: 0, Parts: 0}, {Part: 1, Parts: 1}, {Part: 255, Parts: 255}, {Part: 7, Parts: 2}} {
		if _, _, err := ParsePart(bad.Append(nil)); !errors.Is(err, ErrMalformed) {
			t.Errorf("ParsePart of piece %d of %d: %v, want %v", bad.Part, bad.Parts, err, ErrMalformed)
		}
	}
}

// zeros is a digest of nothing.
var zeros = strings.Repeat("00", 32)

// controls has each control payload, with the bytes that are part of the
// protocol. All have their flags in the same place.
var controls = []struct {
	c   Control
	hex string
}{
	{Heartbeat{Time: 0x01020304}, "01" + "01020304" + "00" + zeros},
	{Heartbeat{Time: 1, Muted: true}, "01" + "00000001" + "01" + zeros},
	{Heartbeat{Time: 1, Camera: true}, "01" + "00000001" + "02" + zeros},
	{Heartbeat{Time: 1, Deaf: true}, "01" + "00000001" + "04" + zeros},
	{Heartbeat{Time: 1<<32 - 1, Muted: true, Camera: true, Deaf: true}, "01" + "ffffffff" + "07" + zeros},
	{
		Heartbeat{Time: 2, Camera: true, Digest: [32]byte(count(0xe1, 32))},
		"01" + "00000002" + "02" + "e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff00",
	},
	{PictureRequest{Slot: 0x0102, Have: 0x0304}, "02" + "0102" + "0304" + "00" + "00"},
	{PictureRequest{Slot: 4095, None: true, Layer: 2}, "02" + "0fff" + "0000" + "01" + "02"},
}

func TestControl(t *testing.T) {
	for _, test := range controls {
		b := test.c.Append([]byte("x"))[1:]
		if got := hex.EncodeToString(b); got != test.hex {
			t.Errorf("%+v is encoded as %s, want %s", test.c, got, test.hex)
		}
		if got, err := ParseControl(b); err != nil || got != test.c {
			t.Errorf("ParseControl(%x) = %+v, %v, want %+v", b, got, err, test.c)
		}
		refuse := func(bad []byte) {
			t.Helper()
			if got, err := ParseControl(bad); !errors.Is(err, ErrMalformed) || got != nil {
				t.Errorf("ParseControl(%x) = %+v, %v, want %v", bad, got, err, ErrMalformed)
			}
		}
		for cut := range b {
			refuse(b[:cut])
		}
		refuse(append(bytes.Clone(b), 0))
		refuse(append([]byte{0}, b[1:]...))
		refuse(append([]byte{3}, b[1:]...))
		for _, flags := range []byte{16, 0x80, 0xff} { // not one that any version sends
			bad := bytes.Clone(b)
			bad[5] = flags
			refuse(bad)
		}
	}
	for _, tail := range [][]byte{{2, 0}, {0, MaxLayers}, {1, 255}} { // none, layer
		b := append([]byte{typePictureRequest, 0, 0, 0, 0}, tail...)
		if _, err := ParseControl(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("ParseControl(%x): %v, want %v", b, err, ErrMalformed)
		}
	}
}

// hands has Hands, with the bytes that are part of the protocol.
var hands = []struct {
	h   Hand
	hex string
}{
	{Hand{}, "04" + "00" + "00000000"},
	{Hand{Up: true}, "04" + "01" + "00000000"},
	{Hand{Up: true, Age: 0x01020304}, "04" + "01" + "01020304"},
}

func TestHand(t *testing.T) {
	for _, test := range hands {
		b := test.h.Append([]byte("x"))[1:]
		if got := hex.EncodeToString(b); got != test.hex {
			t.Errorf("%+v is encoded as %s, want %s", test.h, got, test.hex)
		}
		if got, err := ParseControl(b); err != nil || got != test.h {
			t.Errorf("ParseControl(%x) = %+v, %v, want %+v", b, got, err, test.h)
		}
		bads := [][]byte{append(bytes.Clone(b), 0), {typeHand, 2, 0, 0, 0, 0}, {typeHand, 0, 0, 0, 0, 1}}
		for cut := range b {
			bads = append(bads, b[:cut])
		}
		for _, bad := range bads {
			if got, err := ParseControl(bad); !errors.Is(err, ErrMalformed) || got != nil {
				t.Errorf("ParseControl(%x) = %+v, %v, want %v", bad, got, err, ErrMalformed)
			}
		}
	}
}

// losses has LossReports, with the bytes that are part of the protocol.
var losses = []struct {
	r   LossReport
	hex string
}{
	{LossReport{N: 1, Losses: [MaxLosses]SlotLoss{{Slot: 0x0102, Loss: 3}}}, "03" + "01" + "010203"},
	{LossReport{N: 2, Losses: [MaxLosses]SlotLoss{{}, {Slot: 4095, Loss: MaxLoss, Slow: true}}}, "03" + "02" + "000000" + "0fffff"},
	{LossReport{N: MaxLosses}, "03" + "40" + strings.Repeat("000000", 64)},
}

func TestLossReport(t *testing.T) {
	for _, test := range losses {
		b := test.r.Append([]byte("x"))[1:]
		if got := hex.EncodeToString(b); got != test.hex {
			t.Errorf("%v is encoded as %s, want %s", test.r.Of(), got, test.hex)
		}
		if got, err := ParseControl(b); err != nil || got != test.r || len(test.r.Of()) != test.r.N {
			t.Errorf("ParseControl(%x) = %+v, %v, want %+v", b, got, err, test.r)
		}
		bad := [][]byte{append(bytes.Clone(b), 0)}
		for cut := range b {
			bad = append(bad, b[:cut])
		}
		for _, n := range []byte{0, MaxLosses + 1, 255} {
			bad = append(bad, append([]byte{b[0], n}, b[2:]...))
		}
		for _, b := range bad {
			if got, err := ParseControl(b); !errors.Is(err, ErrMalformed) || got != nil {
				t.Errorf("ParseControl(%x) = %+v, %v, want %v", b, got, err, ErrMalformed)
			}
		}
	}
}

// chats has lines, with the bytes that are part of the protocol.
var chats = []struct {
	c   Chat
	hex string
}{
	{Chat{Time: 0x01020304, Text: "a"}, "01" + "01020304" + "61"},
	{Chat{Time: 1<<32 - 1, Text: "h\u00e9 \x1b[2J\x00\xff"}, "01" + "ffffffff" + "68c3a9201b5b324a00ff"}, // cleaned by whoever shows it
	{Chat{Text: strings.Repeat("x", MaxChat)}, "01" + "00000000" + strings.Repeat("78", 1000)},
}

func TestChat(t *testing.T) {
	for _, test := range chats {
		b := test.c.Append([]byte("x"))[1:]
		if got := hex.EncodeToString(b); got != test.hex {
			t.Errorf("%+v is encoded as %s, want %s", test.c, got, test.hex)
		}
		if got, err := ParseChat(b); err != nil || got != test.c {
			t.Errorf("ParseChat(%x) = %+v, %v, want %+v", b, got, err, test.c)
		}
		for cut := range 6 { // a line has at least one byte
			if got, err := ParseChat(b[:cut]); !errors.Is(err, ErrMalformed) || got != (Chat{}) {
				t.Errorf("ParseChat(%x) = %+v, %v, want %v", b[:cut], got, err, ErrMalformed)
			}
		}
		for _, later := range []byte{0, 2, 0xff} {
			bad := append([]byte{later}, b[1:]...)
			if got, err := ParseChat(bad); !errors.Is(err, ErrMalformed) || got != (Chat{}) {
				t.Errorf("ParseChat(%x) = %+v, %v, want %v", bad, got, err, ErrMalformed)
			}
		}
	}
	long := Chat{Text: strings.Repeat("x", MaxChat+1)}.Append(nil)
	if _, err := ParseChat(long); !errors.Is(err, ErrMalformed) {
		t.Errorf("ParseChat of a line of %d bytes: %v, want %v", MaxChat+1, err, ErrMalformed)
	}
	if n := len(long) - 1; n > MaxPlain {
		t.Errorf("the longest Chat takes %d bytes, more than %d", n, MaxPlain)
	}
}

// reactions has short texts, with the bytes that are part of the protocol.
var reactions = []struct {
	r   Reaction
	hex string
}{
	{Reaction{Time: 0x01020304, Text: "+1"}, "02" + "01020304" + "2b31"},
	{Reaction{Text: strings.Repeat("x", MaxReaction)}, "02" + "00000000" + strings.Repeat("78", 16)},
}

func TestReaction(t *testing.T) {
	for _, test := range reactions {
		b := test.r.Append([]byte("x"))[1:]
		if got := hex.EncodeToString(b); got != test.hex {
			t.Errorf("%+v is encoded as %s, want %s", test.r, got, test.hex)
		}
		if got, err := ParseReaction(b); err != nil || got != test.r {
			t.Errorf("ParseReaction(%x) = %+v, %v, want %+v", b, got, err, test.r)
		}
		bads := [][]byte{append([]byte{1}, b[1:]...), append([]byte{3}, b[1:]...), Reaction{Text: strings.Repeat("x", MaxReaction+1)}.Append(nil)}
		for cut := range 6 {
			bads = append(bads, b[:cut])
		}
		for _, bad := range bads {
			if got, err := ParseReaction(bad); !errors.Is(err, ErrMalformed) || got != (Reaction{}) {
				t.Errorf("ParseReaction(%x) = %+v, %v, want %v", bad, got, err, ErrMalformed)
			}
		}
	}
}

func TestAllocs(t *testing.T) {
	b := make([]byte, 0, MaxDatagram)
	voice := Voice{Index: 1, Time: 2, N: 1, Copies: [2]VoiceCopy{{1, make([]byte, 60)}}, Opus: make([]byte, 80)}
	part := Part{Parts: 1, Data: make([]byte, MaxPart)}
	beat := Heartbeat{Time: 1, Digest: [32]byte{2}}
	chat := Chat{Time: 1, Text: "hello"}
	sealed := packet(0x08, 0x1100, 70000, 100)
	if n := testing.AllocsPerRun(100, func() {
		b = voice.Append(b[:0])
		if _, err := ParseVoice(b); err != nil {
			t.Fatal(err)
		}
		b = part.Append(b[:0])
		if _, _, err := ParsePart(b); err != nil {
			t.Fatal(err)
		}
		b = chat.Append(beat.Append(b[:0])) // parsing them is rare
		if _, err := ParsePacket(sealed); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("packets and payloads allocate %v times", n)
	}
}

// FuzzVoice checks that what is accepted is encoded the same way again.
func FuzzVoice(f *testing.F) {
	f.Add((&Voice{Index: 1, Time: 2, Opus: []byte{3}}).Append(nil))
	f.Add((&Voice{Index: 1, Bundle: true, N: 2, Copies: [2]VoiceCopy{{2, []byte{2}}, {1, []byte{3}}}, Opus: []byte{4}}).Append(nil))
	f.Add((&Voice{Index: 1, Held: true, N: 1, Copies: [2]VoiceCopy{{1, []byte{2}}}, Opus: []byte{3}}).Append(nil))
	f.Add(make([]byte, voiceHead))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := ParseVoice(b)
		if err != nil {
			return
		}
		if got := v.Append(nil); !bytes.Equal(got, b) || len(v.Opus) == 0 {
			t.Errorf("ParseVoice(%x) = %+v, which is encoded as %x", b, v, got)
		}
	})
}

// FuzzPart checks the same of the parts of a picture, one after another.
func FuzzPart(f *testing.F) {
	one := Part{ID: 1, Ref: 1, Time: 2, Parts: 1, Data: []byte("picture")}.Append(nil)
	f.Add(one)
	f.Add(Part{ID: 2, Ref: 1, Part: 3, Parts: 9}.Append(one))
	f.Add([]byte{0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			p, rest, err := ParsePart(b)
			if err != nil {
				return
			}
			if p.Part >= p.Parts {
				t.Fatalf("ParsePart(%x) = piece %d of %d", b, p.Part, p.Parts)
			}
			if got := append(p.Append(nil), rest...); !bytes.Equal(got, b) {
				t.Fatalf("ParsePart(%x) = %+v, which is encoded as %x", b, p, got)
			}
			b = rest
		}
	})
}

// FuzzControl checks the same of control payloads.
func FuzzControl(f *testing.F) {
	for _, test := range losses {
		f.Add(test.r.Append(nil))
	}
	for _, test := range controls {
		f.Add(test.c.Append(nil))
	}
	for _, test := range hands {
		f.Add(test.h.Append(nil))
	}
	beat := Heartbeat{Time: 1, Digest: [32]byte{31: 1}}.Append(nil)
	f.Add(beat[:len(beat)-1])
	f.Add(append(beat, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseControl(b)
		if err != nil {
			return
		}
		if got := c.Append(nil); !bytes.Equal(got, b) {
			t.Errorf("ParseControl(%x) = %+v, which is encoded as %x", b, c, got)
		}
	})
}

// FuzzChat checks the same of chat lines.
func FuzzChat(f *testing.F) {
	for _, test := range chats {
		f.Add(test.c.Append(nil))
	}
	f.Add([]byte{typeChat, 0, 0, 0, 0})
	f.Add(append([]byte{typeChat, 0, 0, 0, 0}, make([]byte, MaxChat+1)...))
	for _, test := range reactions {
		f.Add(test.r.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseChat(b)
		if err != nil {
			if c != (Chat{}) {
				t.Errorf("ParseChat(%x) = %+v beside %v", b, c, err)
			}
			return
		}
		if got := c.Append(nil); !bytes.Equal(got, b) || c.Text == "" || len(c.Text) > MaxChat {
			t.Errorf("ParseChat(%x) = %+v, which is encoded as %x", b, c, got)
		}
	})
}

// FuzzReaction checks the same of reactions.
func FuzzReaction(f *testing.F) {
	for _, test := range reactions {
		f.Add(test.r.Append(nil))
	}
	f.Add([]byte{typeReaction, 0, 0, 0, 0})
	f.Add(append([]byte{typeReaction, 0, 0, 0, 0}, make([]byte, MaxReaction+1)...))
	f.Add(Chat{Time: 1, Text: "hello"}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseReaction(b)
		if err != nil {
			if r != (Reaction{}) {
				t.Errorf("ParseReaction(%x) = %+v beside %v", b, r, err)
			}
			return
		}
		if got := r.Append(nil); !bytes.Equal(got, b) || r.Text == "" || len(r.Text) > MaxReaction {
			t.Errorf("ParseReaction(%x) = %+v, which is encoded as %x", b, r, got)
		}
	})
}

func BenchmarkParsePacket(b *testing.B) {
	p := packet(0x12, uint64(sframe.NewKID(300, sframe.StreamVideo, 0, 0)), 70000, 1100)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParsePacket(p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPart(b *testing.B) {
	p := Part{Parts: 1, Data: make([]byte, MaxPart)}
	buf := make([]byte, 0, MaxPlain)
	b.ReportAllocs()
	for b.Loop() {
		buf = p.Append(buf[:0])
		if _, _, err := ParsePart(buf); err != nil {
			b.Fatal(err)
		}
	}
}
