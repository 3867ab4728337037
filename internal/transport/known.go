package transport

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"sync"

	"github.com/sanix-darker/s2c/internal/file"
)

const (
	fingerprintPrefix = "SHA256:"
	maxKnownHubs      = 1 << 20 // bytes of the file
)

// anybody may have access to known_hubs: there is nothing secret in it, and who
// lets others change a file of their own is believed to want that.
const anybody file.Check = 0

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
// Any goroutine and any process may use it at the same time. Lines that it
// cannot read, such as comments, stay in the file.
type KnownHubs struct {
	path string
	mu   sync.Mutex // saves our own goroutines the wait for the file's lock
}

// A Hub is a line of known_hubs.
type Hub struct {
	Addr        string // "host:port" as the user typed it
	Fingerprint string // "SHA256:..."
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

// List returns the hubs that are remembered, in the order of the file. A hub
// that was given two keys by hand is there twice.
func (k *KnownHubs) List() ([]Hub, error) {
	text, err := k.read()
	if err != nil {
		return nil, err
	}
	var hubs []Hub
	for line := range bytes.Lines(text) {
		if addr, fp, ok := parseKnownHub(string(line)); ok {
			hubs = append(hubs, Hub{Addr: addr, Fingerprint: fp})
		}
	}
	return hubs, nil
}

// replace writes the file with the lines of addr replaced by line. It reports
// whether there were any.
func (k *KnownHubs) replace(addr, line string) (found bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if line == "" {
		// Nothing to forget is no reason to make a file or a directory.
		text, err := k.read()
		if err != nil {
			return false, err
		}
		if _, found := withoutHub(text, addr); !found {
			return false, nil
		}
	}
	err = file.Update(k.path, maxKnownHubs, anybody, func(text []byte) ([]byte, bool) {
		var kept []byte
		kept, found = withoutHub(text, addr)
		return append(kept, line...), found || line != ""
	})
	if err != nil {
		return found, fmt.Errorf("known hubs %s: %w", k.path, err)
	}
	return found, nil
}

// read returns the text of the file, none if there is no file.
func (k *KnownHubs) read() ([]byte, error) {
	text, err := file.Read(k.path, maxKnownHubs, anybody)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("known hubs %s: %w", k.path, err)
	}
	return text, nil
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
