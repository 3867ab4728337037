package cipher

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

// prints returns v in every way that a program may print it.
func prints(v any) string {
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%08b", "%c", "%U", "%p"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	fmt.Fprintln(&b, fmt.Errorf("wrapped: %v", v))
	level := &slog.HandlerOptions{Level: slog.LevelDebug}
	slog.New(slog.NewTextHandler(&b, level)).Info("text", "v", v, slog.Group("g", "v", v), "list", []any{v})
	slog.New(slog.NewJSONHandler(&b, level)).Info("json", "v", v, slog.Group("g", "v", v), "list", []any{v})
	if j, err := json.Marshal(v); err == nil {
		b.Write(j)
	}
	return b.String()
}

// leaks reports whether part of a key, of four bytes or more, is to be read in
// text in one of the usual forms.
func leaks(text string, key []byte) bool {
	lower := strings.ToLower(text)
	for part := range slices.Chunk(key, 4) {
		if strings.Contains(text, string(part)) {
			return true
		}
		list := fmt.Sprintf("%d", part)
		for _, form := range []string{
			hex.EncodeToString(part),
			strings.Trim(list, "[]"),                                          // 1 2 3 4
			strings.ReplaceAll(strings.Trim(list, "[]"), " ", ","),            // 1,2,3,4
			strings.Trim(strings.ToLower(fmt.Sprintf("%#v", part)[6:]), "{}"), // 0x1, 0x2
		} {
			if strings.Contains(lower, form) {
				return true
			}
		}
	}
	return strings.Contains(text, base64.StdEncoding.EncodeToString(key)[:8])
}

// TestRedaction prints everything that holds a key, and looks for it.
func TestRedaction(t *testing.T) {
	a, b := fixed(t, 1), fixed(t, 2)
	m1 := meet(t, a, b)
	p := a.peers[b.hash]
	seed := seedOf(1)
	keys := map[string][]byte{
		"base key": bytes.Clone(a.own.base.bytes()),
		"X25519":   seed[:32],
		"dh":       bytes.Clone(p.dh.bytes()),
		"send":     bytes.Clone(p.send.key.bytes()),
		"recv":     bytes.Clone(p.recv.key.bytes()),
	}
	values := map[string]any{
		"Session": a, "peer": p, "*peer": *p, "chain": p.send, "generation": a.own,
		"keyState": keyState{slot: 1, generation: a.own, name: "ann"},
		"secret":   a.own.base, "pointer": &a.own.base, "slice": []secret{a.own.base}, "map": map[string]secret{"key": p.dh},
		"struct": struct{ Key secret }{p.recv.key}, "sealer": a.sealers[1], "Peers": a.Peers(),
	}
	m2, _, err := b.Handle(m1)
	if err != nil {
		t.Fatal(err)
	}
	keys["theirs"] = bytes.Clone(b.own.base.bytes())
	checkPrints := func() {
		for name, v := range values {
			text := prints(v)
			for what, key := range keys {
				if leaks(text, key) {
					t.Errorf("%s shows the %s", name, what)
				}
			}
		}
	}
	checkPrints()
	if _, _, err := a.Handle(m2); err != nil {
		t.Fatal(err)
	}
	checkHears(t, a, b)
	values["opener"] = a.openers[2]
	keys["send"], keys["recv"] = bytes.Clone(p.send.key.bytes()), bytes.Clone(p.recv.key.bytes())
	checkPrints()

	for name, v := range map[string]any{"secret": a.own.base, "empty": secret{}, "in a struct": struct{ K secret }{a.own.base}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			if got := fmt.Sprintf(verb, v); !strings.Contains(got, redacted) {
				t.Errorf("%s printed with %s: %q", name, verb, got)
			}
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", a.own.base)
	if !strings.Contains(log.String(), "key="+redacted) {
		t.Errorf("slog prints %q", log.String())
	}
	// The search finds what is there.
	for _, v := range []any{keys["dh"], [32]byte(keys["dh"]), hex.EncodeToString(keys["dh"]), struct{ b []byte }{keys["dh"]}} {
		if !leaks(prints(v), keys["dh"]) {
			t.Errorf("a key printed as %T was not found", v)
		}
	}
}

func TestSecretClear(t *testing.T) {
	b := []byte{1, 2, 3}
	s := newSecret(b)
	same := s
	same.clear()
	same.clear()
	if s.bytes() != nil || !bytes.Equal(b, make([]byte, 3)) {
		t.Errorf("after clear a secret holds %x, its bytes are %x", s.bytes(), b)
	}
	secret{}.clear()
}
