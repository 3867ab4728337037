package cpace

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// hexBytes are bytes that JSON has in hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// vectors is testdata/vectors.json.
type vectors struct {
	Runs []struct {
		From      string   `json:"from"`
		Password  hexBytes `json:"password"`
		CI        hexBytes `json:"ci"`
		SID       hexBytes `json:"sid"`
		Generator hexBytes `json:"generator"`
		ScalarA   hexBytes `json:"scalar_a"`
		ScalarB   hexBytes `json:"scalar_b"`
		ShareA    hexBytes `json:"share_a"`
		ShareB    hexBytes `json:"share_b"`
		ADA       hexBytes `json:"ad_a"`
		ADB       hexBytes `json:"ad_b"`
		Point     hexBytes `json:"point"`
		Key       hexBytes `json:"key"`
	} `json:"runs"`
	Points struct {
		Scalar  hexBytes `json:"s"`
		Results []struct {
			U hexBytes `json:"u"`
			Q hexBytes `json:"q"`
		} `json:"results"`
	} `json:"points"`
}

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Runs) != 2 || len(v.Points.Results) != 12 {
		t.Fatalf("%d runs and %d points, want 2 and 12", len(v.Runs), len(v.Points.Results))
	}
	return v
}

func scalar(t testing.TB, b []byte) *ecdh.PrivateKey {
	t.Helper()
	y, err := ecdh.X25519().NewPrivateKey(b)
	if err != nil {
		t.Fatalf("scalar %x: %v", b, err)
	}
	return y
}

func TestDraftRuns(t *testing.T) {
	for _, v := range readVectors(t).Runs {
		t.Run(v.From, func(t *testing.T) {
			equal := func(what string, got, want []byte) {
				t.Helper()
				if !bytes.Equal(got, want) {
					t.Errorf("%s = %x, want %x", what, got, want)
				}
			}
			g := generator(v.Password, v.CI, v.SID)
			equal("generator", g[:], v.Generator)

			a, shareA, err := start(scalar(t, v.ScalarA), v.Password, v.CI, v.SID, v.ADA)
			if err != nil {
				t.Fatal(err)
			}
			equal("share of A", shareA[:], v.ShareA)
			stored := a.Share()
			equal("Share()", stored[:], v.ShareA)

			shareB, keyB, err := respond(scalar(t, v.ScalarB), v.Password, v.CI, v.SID, side{shareA[:], v.ADA}, v.ADB)
			if err != nil {
				t.Fatal(err)
			}
			equal("share of B", shareB[:], v.ShareB)
			equal("key of B", keyB[:], v.Key)

			keyA, err := a.finish(shareB[:], v.ADB)
			if err != nil {
				t.Fatal(err)
			}
			equal("key of A", keyA[:], v.Key)

			for _, end := range []struct {
				scalar, share []byte
			}{{v.ScalarA, v.ShareB}, {v.ScalarB, v.ShareA}} {
				k, err := multiply(scalar(t, end.scalar), end.share)
				if err != nil {
					t.Fatal(err)
				}
				equal("point", k, v.Point)
			}
		})
	}
}

func TestDraftPoints(t *testing.T) {
	v := readVectors(t)
	s := scalar(t, v.Points.Scalar)
	state, share, err := Start([]byte("ember lake"), []byte("ci"), []byte("sid"))
	if err != nil {
		t.Fatal(err)
	}
	refused, multiplied := 0, 0
	for _, p := range v.Points.Results {
		q, err := multiply(s, p.U)
		_, finishErr := state.Finish(p.U)
		_, _, respondErr := Respond([]byte("ember lake"), []byte("ci"), []byte("sid"), p.U)
		if bytes.Equal(p.Q, make([]byte, 32)) {
			refused++
			for _, err := range []error{err, finishErr, respondErr} {
				if !errors.Is(err, ErrShare) {
					t.Errorf("share %x: error = %v, want %v", p.U, err, ErrShare)
				}
			}
			continue
		}
		multiplied++
		if err := errors.Join(err, finishErr, respondErr); err != nil {
			t.Errorf("share %x: %v", p.U, err)
		}
		if !bytes.Equal(q, p.Q) {
			t.Errorf("%x times %x = %x, want %x", v.Points.Scalar, p.U, q, p.Q)
		}
	}
	if refused != 7 || multiplied != 5 {
		t.Errorf("%d points of low order and %d others, want 7 and 5", refused, multiplied)
	}
	t.Logf("%d shares of low order refused, %d odd encodings give the listed product", refused, multiplied)
	finishes(t, state, share)
}

// finishes checks that a state that ci and sid "ci" and "sid" started still
// comes to the same key as a responder.
func finishes(t *testing.T, state *State, share [ShareSize]byte) {
	t.Helper()
	answer, want, err := Respond([]byte("ember lake"), []byte("ci"), []byte("sid"), share[:])
	if err != nil {
		t.Fatal(err)
	}
	if got, err := state.Finish(answer[:]); err != nil || got != want {
		t.Errorf("Finish = %x, %v, want %x", got, err, want)
	}
}

func TestFields(t *testing.T) {
	upTo := func(n int) (b []byte) {
		for i := range n {
			b = append(b, byte(i))
		}
		return b
	}
	for _, tt := range []struct {
		fields [][]byte
		want   string
	}{
		// The vectors of prepend_len and lv_cat in the draft.
		{[][]byte{{}}, "00"},
		{[][]byte{[]byte("1234")}, "0431323334"},
		{[][]byte{upTo(127)}, "7f" + hex.EncodeToString(upTo(127))},
		{[][]byte{upTo(128)}, "8001" + hex.EncodeToString(upTo(128))},
		{[][]byte{[]byte("1234"), []byte("5"), {}, []byte("678")}, "043132333401350003363738"},
	} {
		if got := hex.EncodeToString(appendFields(nil, tt.fields...)); got != tt.want {
			t.Errorf("appendFields(%q) = %s, want %s", tt.fields, got, tt.want)
		}
	}
}

func TestBothEndsAgree(t *testing.T) {
	long := bytes.Repeat([]byte("p"), 300)
	for _, tt := range []struct{ password, ci, sid []byte }{
		{[]byte("ember lake"), []byte("ci"), []byte("sid")},
		{nil, nil, nil},
		{long, long, long},
		{[]byte("\x00"), nil, []byte("\xff\xfe")},
	} {
		state, share, err := Start(tt.password, tt.ci, tt.sid)
		if err != nil {
			t.Fatal(err)
		}
		answer, want, err := Respond(tt.password, tt.ci, tt.sid, share[:])
		if err != nil {
			t.Fatal(err)
		}
		if got, err := state.Finish(answer[:]); err != nil || got != want {
			t.Errorf("password %q, ci %q, sid %q: Finish = %x, %v, want %x", tt.password, tt.ci, tt.sid, got, err, want)
		}
	}
}

func TestAnyDifferenceGivesAnotherKey(t *testing.T) {
	state, share, err := Start([]byte("ember lake"), []byte("ci"), []byte("sid"))
	if err != nil {
		t.Fatal(err)
	}
	flipped := share
	flipped[31] ^= 0x80 // the same point in another encoding
	for _, tt := range []struct {
		name, password, ci, sid string
		share                   [ShareSize]byte
	}{
		{"password", "ember lakf", "ci", "sid", share},
		{"longer password", "ember lake ", "ci", "sid", share},
		{"zeros behind the password", "ember lake\x00", "ci", "sid", share},
		{"no password", "", "ci", "sid", share},
		{"ci", "ember lake", "CI", "sid", share},
		{"sid", "ember lake", "ci", "sie", share},
		{"ci and sid split elsewhere", "ember lake", "cis", "id", share},
		{"ci and sid swapped", "ember lake", "sid", "ci", share},
		{"share in another encoding", "ember lake", "ci", "sid", flipped},
	} {
		answer, responder, err := Respond([]byte(tt.password), []byte(tt.ci), []byte(tt.sid), tt.share[:])
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		initiator, err := state.Finish(answer[:])
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if initiator == responder {
			t.Errorf("%s: both ends have the key %x", tt.name, responder)
		}
	}
	// All these answers changed nothing.
	finishes(t, state, share)
}

func TestSharesDiffer(t *testing.T) {
	seen := map[[ShareSize]byte]bool{}
	for range 50 {
		_, share, err := Start([]byte("p"), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, _, err := Respond([]byte("p"), nil, nil, share[:])
		if err != nil {
			t.Fatal(err)
		}
		if seen[share] || seen[answer] {
			t.Fatalf("share %x or %x came twice", share, answer)
		}
		seen[share], seen[answer] = true, true
	}
}

func TestWrongLength(t *testing.T) {
	state, share, err := Start([]byte("ember lake"), []byte("ci"), []byte("sid"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 31, 33, 64, 4096} {
		bad := bytes.Repeat([]byte{9}, n)
		if _, err := state.Finish(bad); !errors.Is(err, ErrShare) {
			t.Errorf("Finish of %d bytes: %v, want %v", n, err, ErrShare)
		}
		answer, key, err := Respond([]byte("ember lake"), []byte("ci"), []byte("sid"), bad)
		if !errors.Is(err, ErrShare) {
			t.Errorf("Respond to %d bytes: %v, want %v", n, err, ErrShare)
		}
		if answer != [ShareSize]byte{} || key != [KeySize]byte{} {
			t.Errorf("Respond to %d bytes gave an answer %x and a key %x", n, answer, key)
		}
	}
	finishes(t, state, share)
}

func TestClose(t *testing.T) {
	state, share, err := Start([]byte("ember lake"), []byte("ci"), []byte("sid"))
	if err != nil {
		t.Fatal(err)
	}
	finishes(t, state, share)
	state.Close()
	state.Close()
	if _, err := state.Finish(share[:]); !errors.Is(err, ErrClosed) {
		t.Errorf("Finish after Close: %v, want %v", err, ErrClosed)
	}
	if state.Share() != share {
		t.Errorf("Share after Close = %x, want %x", state.Share(), share)
	}
}

// TestArgumentsAreNotKept overwrites what the caller lent, as callers do with a
// passphrase.
func TestArgumentsAreNotKept(t *testing.T) {
	password, ci, sid := []byte("ember lake"), []byte("ci"), []byte("sid")
	state, share, err := Start(password, ci, sid)
	if err != nil {
		t.Fatal(err)
	}
	clear(password)
	clear(ci)
	clear(sid)
	finishes(t, state, share)
}

func TestStateDoesNotPrint(t *testing.T) {
	raw := bytes.Repeat([]byte{0xa7}, 32)
	y := scalar(t, raw)
	state, _, err := start(y, []byte("ember lake"), []byte("ci"), []byte("sid"), nil)
	if err != nil {
		t.Fatal(err)
	}
	leaks := func(s string) bool {
		s = strings.ToLower(s)
		for _, form := range []string{"a7a7", "167 167", "167, 167", "0xa7, 0xa7", string(raw[:2]), "ember"} {
			if strings.Contains(s, form) {
				return true
			}
		}
		return false
	}
	// Prove that the search would find it.
	if s := fmt.Sprintf("%+v", y); !leaks(s) {
		t.Fatalf("a bare scalar prints as %s, and the test would not notice", s)
	}
	type holder struct {
		state  *State
		inside State
		Open   *State
	}
	h := holder{state, *state, state}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t", "%T"} {
		for _, x := range []any{state, *state, &state, h, &h, []State{*state}, map[string]*State{"a": state}} {
			if s := fmt.Sprintf(verb, x); leaks(s) {
				t.Errorf("Sprintf(%q, %T) = %s", verb, x, s)
			}
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "state", state, "value", *state, "holder", h)
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "state", state, "value", *state, "holder", h)
	if leaks(log.String()) {
		t.Errorf("slog wrote %s", log.String())
	}
	if got := fmt.Sprint(state); got != "[redacted]" {
		t.Errorf("Sprint(state) = %s, want [redacted]", got)
	}
}

// TestElligator compares the map with one that follows RFC 9380, section 6.7.1,
// with big integers, and checks that the result is on the curve.
func TestElligator(t *testing.T) {
	var (
		n   = func(x int64) *big.Int { return big.NewInt(x) }
		p   = new(big.Int).Sub(new(big.Int).Lsh(n(1), 255), n(19))
		mod = func(x *big.Int) *big.Int { return x.Mod(x, p) }
		a   = n(486662)
		gx  = func(x *big.Int) *big.Int { // x^3 + A x^2 + x
			r := new(big.Int).Add(x, a)
			r.Mul(r, x).Add(r, n(1)).Mul(r, x)
			return mod(r)
		}
		square = func(x *big.Int) bool { return big.Jacobi(x, p) >= 0 }
		little = func(b [32]byte) *big.Int {
			for i := range 16 {
				b[i], b[31-i] = b[31-i], b[i]
			}
			return new(big.Int).SetBytes(b[:])
		}
	)
	random := rand.NewChaCha8([32]byte{1})
	inputs := [][32]byte{{}, {1}, {2}, {31: 0x80}, {31: 0x40}}
	for _, low := range []byte{0xeb, 0xec, 0xed, 0xee, 0xef, 0xff} { // around p and 2^255-1
		for _, high := range []byte{0x7f, 0xff} {
			in := [32]byte(bytes.Repeat([]byte{0xff}, 32))
			in[0], in[31] = low, high
			inputs = append(inputs, in)
		}
	}
	for range 500 {
		var in [32]byte
		_, _ = random.Read(in[:])
		inputs = append(inputs, in)
	}
	second := 0
	for _, in := range inputs {
		r := in
		r[31] &= 0x7f
		t2 := little(r)
		t2.Mul(t2, t2).Lsh(t2, 1).Add(t2, n(1))
		want := t2.ModInverse(mod(t2), p)
		want = mod(want.Mul(want, a).Neg(want))
		if !square(gx(want)) {
			second++
			want = mod(want.Add(want, a).Neg(want))
		}
		out := elligator2(in)
		got := little(out)
		if got.Cmp(want) != 0 {
			t.Errorf("elligator2(%x) = %x, want the number %x", in, out, want)
		}
		if got.Cmp(p) >= 0 || !square(gx(got)) {
			t.Errorf("elligator2(%x) = %x is not on the curve", in, out)
		}
	}
	if second < 100 || second > len(inputs)-100 {
		t.Errorf("%d of %d inputs took the second branch", second, len(inputs))
	}
}

func BenchmarkStart(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Start([]byte("ember lake tiger"), []byte("ci"), []byte("sid")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRespond(b *testing.B) {
	_, share, err := Start([]byte("ember lake tiger"), []byte("ci"), []byte("sid"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Respond([]byte("ember lake tiger"), []byte("ci"), []byte("sid"), share[:]); err != nil {
			b.Fatal(err)
		}
	}
}
