package cipher

import (
	"bytes"
	"errors"
	"testing"
)

func TestKeyState(t *testing.T) {
	base := bytes.Repeat([]byte{0xb5}, baseLen)
	tests := []struct {
		slot      uint16
		gen, step uint32
		name      string
	}{
		{0, 0, 0, ""},
		{4095, 1<<32 - 1, 17, "ann"},
		{65535, 1, 1<<32 - 1, "a name of exactly 32 bytes ......"[:32]},
		{7, 0, 0, "\x1b]0;pwned\x07\xff"}, // whoever shows it cleans it
	}
	for _, test := range tests {
		k := keyState{slot: test.slot, generation: generation{test.gen, test.step, newSecret(base)}, name: test.name}
		b := k.append(nil)
		got, err := parseKeyState(b)
		if err != nil || got.slot != test.slot || got.gen != test.gen || got.step != test.step || got.name != test.name ||
			!bytes.Equal(got.base.bytes(), base) {
			t.Errorf("parseKeyState(%x) = %+v, %v", b, got, err)
		}
		clear(b[11 : 11+baseLen])
		if !bytes.Equal(got.base.bytes(), base) {
			t.Error("a parsed base key aliases the message")
		}
		for cut := range b {
			if _, err := parseKeyState(b[:cut]); err == nil {
				t.Errorf("parseKeyState(%x) accepted %d of %d bytes", b[:cut], cut, len(b))
			}
		}
	}
	good := (&keyState{generation: generation{base: newSecret(base)}, name: "ann"}).append(nil)
	for name, bad := range map[string][]byte{
		"other type":    append([]byte{2}, good[1:]...),
		"trailing byte": append(bytes.Clone(good), 0),
		"long name":     append(append(bytes.Clone(good[:keyStateHead-1]), 33), make([]byte, 33)...),
	} {
		if _, err := parseKeyState(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want %v", name, err, ErrMalformed)
		}
	}
}

// payloads are one of each kind that a box holds after the handshake.
func payloads() map[string][]byte {
	k := keyState{slot: 3, generation: generation{4, 5, newSecret(bytes.Repeat([]byte{6}, baseLen))}, name: "ann"}
	return map[string][]byte{
		"keyState":   k.append(nil),
		"keyAck":     keyAck{7}.encode(),
		"keyRequest": keyRequest{}.encode(),
		"commit":     commit{[32]byte{1}, [32]byte{2}}.encode(),
		"reveal":     reveal{[32]byte{3}, [32]byte{4}}.encode(),
		"bye":        bye{byeRemoved}.encode(),
	}
}

// encode encodes what parsePayload returns.
func encode(v any) []byte {
	switch v := v.(type) {
	case keyState:
		return v.append(nil)
	case keyAck:
		return v.encode()
	case keyRequest:
		return v.encode()
	case commit:
		return v.encode()
	case reveal:
		return v.encode()
	case bye:
		return v.encode()
	}
	return nil
}

func TestPayload(t *testing.T) {
	for name, b := range payloads() {
		v, err := parsePayload(b)
		if err != nil || !bytes.Equal(encode(v), b) {
			t.Errorf("%s: parsePayload(%x) = %+v, %v", name, b, v, err)
		}
		for cut := range b {
			if v, err := parsePayload(b[:cut]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: parsePayload(%x) = %+v, %v, want %v", name, b[:cut], v, err, ErrMalformed)
			}
		}
		longer := append(bytes.Clone(b), 0)
		if v, err := parsePayload(longer); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: parsePayload(%x) = %+v, %v, want %v", name, longer, v, err, ErrMalformed)
		}
	}
	for _, b := range [][]byte{{0}, {6}, {payloadShare}, append([]byte{payloadShare}, make([]byte, 32)...), {payloadBye, 3}, {9}, {255}} {
		if v, err := parsePayload(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("parsePayload(%x) = %+v, %v, want %v", b, v, err, ErrMalformed)
		}
	}
}
