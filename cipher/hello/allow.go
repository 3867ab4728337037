package hello

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// An AllowList is a list of identities in the form of OpenSSH's
// authorized_keys. Each line is a key "ssh-rsa AAAA... comment" or a
// fingerprint "SHA256:... comment", with an optional prefix session="a,b" that
// holds it to some sessions. Empty lines and lines that begin with # are
// skipped. Somebody with several lines may be wherever one of them says. An
// AllowList is not modified after it was made.
type AllowList struct {
	// The sessions of each identity; a nil map stands for every session.
	sessions map[Fingerprint]map[string]bool
}

// MaxAllowList is the size in bytes of the longest list, so that readers of a
// file know when to stop: 1 MiB is 1,800 keys of 3,072 bits or 19,000
// fingerprints.
const MaxAllowList = 1 << 20

// maxAllowLine is the longest line in bytes: a key of 4,096 bits has 730, the
// names of 100 sessions 6,500.
const maxAllowLine = 8192

// ParseAllowList decodes an AllowList. The error names the first line that it
// cannot read, or whose key cannot be an identity: a list that is read in part
// would shut people out, or in.
func ParseAllowList(b []byte) (*AllowList, error) {
	if len(b) > MaxAllowList {
		return nil, fmt.Errorf("a list of %d bytes; it must have at most %d", len(b), MaxAllowList)
	}
	a := &AllowList{sessions: make(map[Fingerprint]map[string]bool)}
	n := 0
	for line := range bytes.Lines(b) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if len(line) > maxAllowLine {
			return nil, fmt.Errorf("line %d: %d bytes; it must have at most %d", n, len(line), maxAllowLine)
		}
		fp, sessions, err := parseAllowLine(string(line))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		a.add(fp, sessions)
	}
	return a, nil
}

// add merges one line. No sessions stand for every session.
func (a *AllowList) add(fp Fingerprint, sessions []string) {
	known, twice := a.sessions[fp]
	switch {
	case sessions == nil:
		a.sessions[fp] = nil
		return
	case twice && known == nil:
		return // every session already
	case !twice:
		known = make(map[string]bool, len(sessions))
		a.sessions[fp] = known
	}
	for _, name := range sessions {
		known[name] = true
	}
}

// Allows reports whether the identity fp may be in the session.
func (a *AllowList) Allows(fp Fingerprint, session string) bool {
	sessions, ok := a.sessions[fp]
	return ok && (sessions == nil || sessions[session])
}

// Len returns how many identities are on the list.
func (a *AllowList) Len() int { return len(a.sessions) }

// parseAllowLine decodes one line that is not empty.
func parseAllowLine(s string) (fp Fingerprint, sessions []string, err error) {
	if rest, ok := strings.CutPrefix(s, `session="`); ok {
		sessions, s, err = parseSessions(rest)
		if err != nil {
			return fp, nil, err
		}
	}
	fields := strings.Fields(s)
	switch {
	case len(fields) == 0:
		return fp, nil, errors.New("neither a key nor a fingerprint")
	case strings.HasPrefix(fields[0], fingerprintPrefix):
		fp, err = ParseFingerprint(fields[0])
		return fp, sessions, err
	case fields[0] != sshRSA:
		return fp, nil, fmt.Errorf("%s is neither %s nor a fingerprint, which begins with %s", quote(fields[0]), sshRSA, fingerprintPrefix)
	case len(fields) < 2:
		return fp, nil, errors.New(sshRSA + " without a key")
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(fields[1])
	if err != nil {
		return fp, nil, fmt.Errorf("the key after %s is damaged: %w", sshRSA, err)
	}
	key, err := parseSSHKey(blob)
	if err != nil {
		return fp, nil, err
	}
	return FingerprintOf(key), sessions, nil
}

// parseSessions decodes what follows session=" and returns what is behind it.
func parseSessions(s string) (sessions []string, rest string, err error) {
	list, rest, closed := strings.Cut(s, `"`)
	if !closed {
		return nil, "", fmt.Errorf(`session=%s has no closing quote`, quote(list))
	}
	if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return nil, "", fmt.Errorf(`a space must follow session=%s`, quote(list))
	}
	for name := range strings.SplitSeq(list, ",") {
		if err := CheckSession(name); err != nil {
			return nil, "", fmt.Errorf("session %s: %w", quote(name), err)
		}
		sessions = append(sessions, name)
	}
	return sessions, rest, nil
}

// parseSSHKey decodes the SSH wire form of a key that can be an identity. It
// accepts only what AppendSSHKey writes.
func parseSSHKey(b []byte) (*rsa.PublicKey, error) {
	damaged := errors.New("the key after " + sshRSA + " is damaged")
	field := func() (p []byte, ok bool) {
		if len(b) < 4 {
			return nil, false
		}
		n := binary.BigEndian.Uint32(b)
		if uint64(n) > uint64(len(b)-4) {
			return nil, false
		}
		p, b = b[4:4+n], b[4+n:]
		return p, true
	}
	blob := b
	name, ok1 := field()
	e, ok2 := field()
	n, ok3 := field()
	if !ok1 || !ok2 || !ok3 || string(name) != sshRSA {
		return nil, damaged
	}
	exp := new(big.Int).SetBytes(e)
	if exp.BitLen() > 31 { // int has 32 bits on some machines
		return nil, fmt.Errorf("an RSA key with an exponent of %d bits; it must be %d", exp.BitLen(), exponent)
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exp.Int64())}
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	if !bytes.Equal(AppendSSHKey(nil, key), blob) { // also if something is behind it
		return nil, damaged
	}
	return key, nil
}
