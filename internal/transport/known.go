package transport

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

const (
	fingerprintPrefix = "SHA256:"
	maxKnownHubs      = 1 << 20 // bytes of the file
)

// A HubChangedError says that a hub has another key than the one remembered:
// it was set up anew, or somebody else answers in its place.
type HubChangedError struct {
	Addr     string // as the user typed it
	Old, New string // fingerprints: remembered, and seen now
	File     string // where the old one is remembered
}

// Error implements error.
func (e *HubChangedError) Error() string {
	return fmt.Sprintf("hub %s has another key than last time (%s, now %s)", e.Addr, e.Old, e.New)
}

// KnownHubs is the file of the keys by which hubs are known again, with a line
// "host:port SHA256:..." for each. The address is the one the user typed.
// Any goroutine may use it. Lines that it cannot read, such as comments, stay
// in the file. Two processes that change the file at the same moment may lose
// one of the two changes, never a line that was there before.
type KnownHubs struct {
	path string
	mu   sync.Mutex // one change of the file at a time
}

// OpenKnownHubs returns the hubs in the file at path, which need not exist. It
// fails when there is a file that cannot be read.
func OpenKnownHubs(path string) (*KnownHubs, error) {
	k := &KnownHubs{path: path}
	if _, err := k.read(); err != nil {
		return nil, err
	}
	return k, nil
}

// Check compares the fingerprint of the hub at addr, "host:port" as typed,
// with what is remembered. known is false for a hub seen for the first time;
// it is for the caller to accept, and to Remember once Dial has returned:
// before that the hub has not proved that the key is its own. The error is an
// *HubChangedError when the key is another one.
func (k *KnownHubs) Check(addr, fingerprint string) (known bool, err error) {
	text, err := k.read()
	if err != nil {
		return false, err
	}
	var old string
	for line := range bytes.Lines(text) {
		a, fp, ok := parseKnownHub(string(line))
		switch {
		case !ok || a != addr:
		case fp == fingerprint:
			return true, nil
		case old == "":
			old = fp
		}
	}
	if old != "" {
		return false, &HubChangedError{Addr: addr, Old: old, New: fingerprint, File: k.path}
	}
	return false, nil
}

// Remember stores that the hub at addr, "host:port", has this fingerprint, in
// place of an earlier one.
func (k *KnownHubs) Remember(addr, fingerprint string) error {
	line := addr + " " + fingerprint
	if a, fp, ok := parseKnownHub(line); !ok || a != addr || fp != fingerprint {
		return fmt.Errorf("known hubs %s: %q is no line of this file", k.path, line)
	}
	_, err := k.replace(addr, line+"\n")
	return err
}

// Forget removes what is remembered of the hub at addr and reports whether
// there was something.
func (k *KnownHubs) Forget(addr string) (found bool, err error) { return k.replace(addr, "") }

// replace writes the file with the lines of addr replaced by line. It reports
// whether there were any.
func (k *KnownHubs) replace(addr, line string) (found bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	text, err := k.read()
	if err != nil {
		return false, err
	}
	kept, found := withoutHub(text, addr)
	if line == "" && !found {
		return false, nil
	}
	if err := replaceFile(k.path, append(kept, line...)); err != nil {
		return found, fmt.Errorf("known hubs %s: %w", k.path, err)
	}
	return found, nil
}

// read returns the text of the file, none if there is no file.
func (k *KnownHubs) read() ([]byte, error) {
	text, err := readSmall(k.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("known hubs %s: %w", k.path, err)
	}
	return text, nil
}

// readSmall returns the contents of a regular file of sane size.
func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path) // opening a FIFO would wait
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("not a regular file but %v", info.Mode().Type())
	}
	if info.Size() > maxKnownHubs {
		return nil, fmt.Errorf("%d bytes are more than %d", info.Size(), maxKnownHubs)
	}
	return os.ReadFile(path)
}

// replaceFile gives the file at path, or the one a symbolic link there leads
// to, new contents, at once or not at all.
func replaceFile(path string, text []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	temp, err := writeTemp(path, text)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		_ = os.Remove(temp)
		return err
	}
	syncDir(filepath.Dir(path))
	return nil
}

// withoutHub returns a copy of text without the lines of addr, ending with a
// line break if there is anything, and whether there were such lines.
func withoutHub(text []byte, addr string) (kept []byte, found bool) {
	for line := range bytes.Lines(text) {
		if a, _, ok := parseKnownHub(string(line)); ok && a == addr {
			found = true
			continue
		}
		kept = append(kept, line...)
	}
	if len(kept) > 0 && kept[len(kept)-1] != '\n' {
		kept = append(kept, '\n')
	}
	return kept, found
}

// parseKnownHub reads one line. It reports false for anything but an address
// and a fingerprint.
func parseKnownHub(line string) (addr, fingerprint string, ok bool) {
	fields := strings.Fields(line)
	if len(fields) != 2 || strings.HasPrefix(fields[0], "#") {
		return "", "", false
	}
	host, port, err := net.SplitHostPort(fields[0])
	if err != nil || host == "" || port == "" {
		return "", "", false
	}
	digest, ok := strings.CutPrefix(fields[1], fingerprintPrefix)
	if !ok {
		return "", "", false
	}
	sum, err := base64.RawStdEncoding.Strict().DecodeString(digest)
	if err != nil || len(sum) != 32 {
		return "", "", false
	}
	return fields[0], fields[1], true
}
