package hello

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
)

func TestTokenText(t *testing.T) {
	form := regexp.MustCompile(`^([a-z2-7]{5}-){4}[a-z2-7]{6}$`)
	for _, tt := range []struct {
		token Token
		want  string
	}{
		{Token{}, "aaaaa-aaaaa-aaaaa-aaaaa-aaaaaa"},
		{Token(bytes.Repeat([]byte{0xff}, 16)), "77777-77777-77777-77777-777774"},
		{Token([]byte("0123456789abcdef")), "gayte-mzugu-3doob-zmfrg-gzdfmy"},
		{Token{15: 1}, "aaaaa-aaaaa-aaaaa-aaaaa-aaaaae"},
	} {
		s := tt.token.String()
		if s != tt.want || !form.MatchString(s) {
			t.Errorf("%x as text = %q, want %q", tt.token[:], s, tt.want)
		}
		for _, typed := range []string{
			s,
			strings.ToUpper(s),
			strings.ReplaceAll(s, "-", ""),
			strings.ReplaceAll(s, "-", " "),
			" " + strings.ReplaceAll(s, "-", " - ") + "\r\n",
			"---" + s,
		} {
			if got, err := ParseToken(typed); err != nil || got != tt.token {
				t.Errorf("ParseToken(%q) = %x, %v, want %x", typed, got[:], err, tt.token[:])
			}
		}
	}
}

func TestParseTokenRefuses(t *testing.T) {
	const good = "gayte-mzugu-3doob-zmfrg-gzdfmy"
	for _, s := range []string{
		"",
		"-----",
		good[:len(good)-1],
		good + "a",
		good + good,
		good + "======",
		strings.Replace(good, "g", "0", 1),
		strings.Replace(good, "g", "1", 1),
		strings.Replace(good, "g", "8", 1),
		strings.Replace(good, "g", "9", 1),
		strings.Replace(good, "g", "é", 1),
		strings.Replace(good, "g", "\u212a", 1), // Kelvin sign, whose lower case is k
		strings.Replace(good, "-", "_", 1),
		good[:len(good)-1] + "z", // the same bytes, but for the two bits behind them
		"aaaaa-aaaaa-aaaaa-aaaaa-aaaaab",
		hex.EncodeToString([]byte("0123456789abcdef")),
		strings.Repeat(" ", 1<<16),
		good + strings.Repeat(" ", 64),
		"\xff\xfe",
	} {
		got, err := ParseToken(s)
		if !errors.Is(err, ErrToken) || got != (Token{}) {
			t.Errorf("ParseToken(%q) = %x, %v, want %v", s, got[:], err, ErrToken)
			continue
		}
		if strings.Contains(err.Error(), "gayte") {
			t.Errorf("ParseToken(%q) repeats it: %v", s, err)
		}
	}
}

// TestTokenDoesNotPrint checks what a token shows when nobody asked for it. In
// a field that is not exported package fmt prints the bytes all the same: there
// belongs a pointer.
func TestTokenDoesNotPrint(t *testing.T) {
	token := Token(bytes.Repeat([]byte{0xa7}, 16))
	config := struct{ Door *Token }{&token}
	values := struct{ Door Token }{token}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		for _, x := range []any{token, &token, config, values, []Token{token}, map[string]Token{"a": token}} {
			fmt.Fprintf(&out, verb+"\n", x)
		}
	}
	logger := slog.New(slog.NewTextHandler(&out, nil))
	logger.Info("m", "token", token, "pointer", &token, "values", values)
	for _, leak := range []string{"a7a7", "A7A7", "167 167", "167, 167", "0xa7", token.String(), token.String()[:5]} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("printed %q in %s", leak, out.String())
		}
	}
	if got := fmt.Sprint(token); got != "[redacted]" {
		t.Errorf("Sprint = %q, want [redacted]", got)
	}
}

func TestDoor(t *testing.T) {
	token, bind := Token([]byte("0123456789abcdef")), [32]byte{1, 2, 3}
	proof := token.Door(bind)
	// HMAC-SHA256 of "s2c/1 door", a zero byte and bind.
	const known = "12ddc953d6079063c40c8be9cdc753e0d80273906d61dde0c956878fa337c9ee"
	if got := hex.EncodeToString(proof[:]); got != known {
		t.Errorf("Door = %s, want %s", got, known)
	}
	if !token.CheckDoor(proof[:], bind) {
		t.Error("CheckDoor refuses its own proof")
	}
	refused := 0
	check := func(what string, ok bool) {
		t.Helper()
		if ok {
			t.Errorf("CheckDoor accepts %s", what)
			return
		}
		refused++
	}
	for bit := range 256 {
		check(fmt.Sprintf("a proof with bit %d changed", bit), token.CheckDoor(flip(proof[:], bit), bind))
		check(fmt.Sprintf("a connection with bit %d changed", bit), token.CheckDoor(proof[:], [32]byte(flip(bind[:], bit))))
	}
	for bit := range 128 {
		check(fmt.Sprintf("a token with bit %d changed", bit), Token(flip(token[:], bit)).CheckDoor(proof[:], bind))
	}
	for n := range proof {
		check(fmt.Sprintf("%d bytes of a proof", n), token.CheckDoor(proof[:n], bind))
	}
	check("no proof", token.CheckDoor(nil, bind))
	check("a longer proof", token.CheckDoor(append(proof[:], 0), bind))
	check("the token itself", token.CheckDoor(token[:], bind))
	t.Logf("%d wrong proofs refused", refused)
}
