package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// A writer writes a recording in version 2 of the format of asciinema: a head, and a
// line for each piece of output.
//
// https://docs.asciinema.org/manual/asciicast/v2/
type writer struct {
	to   io.Writer
	rest []byte // the beginning of a character whose end has not come
}

// newWriter writes the head of a recording. It has no date, so that it is the same
// for everybody.
func newWriter(to io.Writer, cols, rows int, title string) (*writer, error) {
	head, err := json.Marshal(struct {
		Version int               `json:"version"`
		Width   int               `json:"width"`
		Height  int               `json:"height"`
		Title   string            `json:"title"`
		Env     map[string]string `json:"env"`
	}{2, cols, rows, title, map[string]string{"TERM": "xterm-256color"}})
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(to, "%s\n", head)
	return &writer{to: to}, err
}

// output writes what the program has written at a time from the start.
func (w *writer) output(at time.Duration, b []byte) error {
	w.rest = append(w.rest, b...)
	whole := len(w.rest) - unfinished(w.rest)
	if whole == 0 {
		return nil
	}
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	if err := e.Encode(string(w.rest[:whole])); err != nil {
		return err
	}
	w.rest = append(w.rest[:0], w.rest[whole:]...)
	_, err := fmt.Fprintf(w.to, "[%.6f,\"o\",%s]\n", at.Seconds(), bytes.TrimSpace(line.Bytes()))
	return err
}

// unfinished returns how many bytes at the end of b are the beginning of a character.
func unfinished(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}
