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

// leaks reports whether part of a key, of eight bytes or more, is to be read in
// text in one of the usual forms. Four bytes are there by chance now and then,
// as the text has numbers by the thousand.
func leaks(text string, key []byte) bool {
	lower := strings.ToLower(text)
	for part := range slices.Chunk(key, 8) {
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
	bothKinds(t, func(t *testing.T, passphrase string) {
		a, b := started(t, 1, passphrase), started(t, 2, passphrase)
		m1 := meet(t, a, b)
		p := a.peers[b.hash]
		own := keysOf(1)
		keys := map[string][]byte{
			"base key": own.base, "X25519": own.x, "X-Wing": own.kem,
			"dh": bytes.Clone(p.run.dh.bytes()), "ss": bytes.Clone(p.run.ss.bytes()),
		}
		values := map[string]any{
			"Session": a, "peer": p, "*peer": *p, "run": p.run, "generation": a.own,
			"keyState": keyState{slot: 1, generation: a.own, name: "ann"},
			"secret":   a.own.base, "pointer": &a.own.base, "slice": []secret{a.own.base}, "map": map[string]secret{"key": p.run.dh},
			"struct": struct{ Key secret }{p.run.dh}, "sealer": a.sealers[1], "Peers": a.Peers(),
		}
		if passphrase != "" {
			keys["passphrase"], keys["outer"] = []byte(passphrase), bytes.Clone(p.outer.key.bytes())
			values["pake"], values["outer"] = p.pake, p.outer
		} else {
			keys["send"], keys["recv"] = bytes.Clone(p.send.key.bytes()), bytes.Clone(p.recv.key.bytes())
			values["chain"] = p.send
		}
		checkPrints := func() {
			t.Helper()
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
		for to, from, m := b, a, m1; m != nil; to, from = from, to {
			out := take(t, to, m)
			if m = nil; len(out.Pair) > 0 {
				m = out.Pair[0]
			}
		}
		checkHears(t, a, b)
		a.replaceKey(epoch)
		a.Due(epoch.Add(turnDelay))
		keys["theirs"] = keysOf(2).base
		keys["next"] = bytes.Clone(a.turn.next.base.bytes())
		keys["send"], keys["recv"] = bytes.Clone(p.send.key.bytes()), bytes.Clone(p.recv.key.bytes())
		values["opener"], values["turn"], values["chain"] = a.openers[2], a.turn, p.send
		values["*peer"] = *p
		checkPrints()
	})
}

// TestRedacted checks what a secret prints as, and that the search of
// TestRedaction finds what is there.
func TestRedacted(t *testing.T) {
	key := keysOf(1).base
	s := newSecret(key)
	for name, v := range map[string]any{"secret": s, "empty": secret{}, "in a struct": struct{ K secret }{s}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			if got := fmt.Sprintf(verb, v); !strings.Contains(got, redacted) {
				t.Errorf("%s printed with %s: %q", name, verb, got)
			}
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", s)
	if !strings.Contains(log.String(), "key="+redacted) {
		t.Errorf("slog prints %q", log.String())
	}
	for _, v := range []any{key, [64]byte(key), hex.EncodeToString(key), struct{ b []byte }{key}} {
		if !leaks(prints(v), key) {
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
