// Package ctl is how other programs of the same person speak to a running call:
// over a Unix socket in a folder that only the person may enter.
//
// A line is a command, as the package command has them, or "status". Each is
// answered by a line, an Answer as JSON, before the next one is read:
//
//	mute                            {"ok":true}
//	status                          {"ok":true,"status":{"session":"room",...}}
//	dance                           {"ok":false,"error":"unknown command \"dance\""}
//
// A connection on which nothing is asked for IdleTime ends. What it began with
// "talk" ends with it: who wants to be heard for longer says it again.
package ctl

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// The limits of a socket.
const (
	MaxLine  = 4096            // bytes of a command, without its end
	MaxConns = 8               // connections at a time
	IdleTime = 5 * time.Second // between two commands
)

// maxAnswer bounds an answer in bytes: the figures of a call, with all names.
const maxAnswer = 64 << 10

// ErrNoCall says that nobody listens.
var ErrNoCall = errors.New("no call is running")

// An Answer is what a call says to a command.
type Answer struct {
	OK     bool    `json:"ok"`
	Error  string  `json:"error,omitempty"` // clean for a terminal
	Status *Status `json:"status,omitempty"`
}

// Status is how a call stands. All of its texts are clean for a terminal.
type Status struct {
	Session  string   `json:"session"`
	Name     string   `json:"name"`
	PID      int      `json:"pid"`
	People   int      `json:"people"`   // who are there, with oneself
	Names    []string `json:"names"`    // of the others
	Speaking []string `json:"speaking"` // names of the others who do
	Hands    []string `json:"hands"`    // names of all whose hand is up, the first first
	Waiting  int      `json:"waiting"`  // who wait to be let in
	Muted    bool     `json:"muted"`
	Deafened bool     `json:"deafened"`
	Talking  bool     `json:"talking"` // one's own voice is heard now
	Camera   bool     `json:"camera"`
	Locked   bool     `json:"locked"`
	Link     string   `json:"link"`   // "connecting", "joined" or "reconnecting"
	RTT      float64  `json:"rtt_ms"` // to the hub and back
	Loss     float64  `json:"loss"`   // on the way here, 0 to 1
	Up       float64  `json:"up_kB_s"`
	Down     float64  `json:"down_kB_s"`
}

// parseAnswer returns the answer in a line. Its texts need to be cleaned again
// before a terminal sees them if the other side is not trusted.
func parseAnswer(line []byte) (Answer, error) {
	var a Answer
	if err := json.Unmarshal(line, &a); err != nil {
		return Answer{}, fmt.Errorf("answer: %w", err)
	}
	return a, nil
}

// errLong says that a line is longer than it may be.
var errLong = errors.New("line too long")

// readLine returns the next line without its end, and errLong for one that r's
// buffer has no room for. It is valid until the next call. Something without an
// end is no line.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, errLong
	case err != nil && len(line) > 0 && errors.Is(err, io.EOF):
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, err
	}
	return line[:len(line)-1], nil
}
