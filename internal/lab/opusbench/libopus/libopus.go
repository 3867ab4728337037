// Package libopus runs Debian's libopus, the reference of our codec, as a
// program of its own, which it compiles: s2c itself is made without C.
package libopus

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

//go:embed source/libopus.c
var source []byte

// ErrMissing is returned by Build on a machine without a C compiler or libopus'
// header.
var ErrMissing = errors.New("apt-get install gcc libc6-dev libopus-dev")

// A Program is the compiled one. Its methods may be called by any goroutine.
type Program struct {
	path string

	// Version is what libopus calls itself.
	Version string
}

// A Kind says what a decoder does with a Record.
type Kind byte

// The kinds of records.
const (
	Play    Kind = 'p' // decode the packet
	Lost    Kind = 'l' // make up what was lost; there is no packet
	Restore Kind = 'f' // decode the packet's copy of the one before
)

// A Record is a step of decoding, and makes a packet's length of sound.
type Record struct {
	Kind   Kind
	Range  uint32 // final state of the range coder, of Play only
	Packet []byte
}

// Settings are those of an encoder. All rates are constant.
type Settings struct {
	Bitrate    int           // bit/s
	Packet     time.Duration // of sound in a packet, 10 or 20 ms
	Complexity int           // 0 to 10
	Loss       int           // percent that the encoder is told; with 0 there are no copies
	Mode       string        // voip, or what is forced: silk, hybrid or celt
}

// Samples returns how many samples a packet has.
func (s Settings) Samples() int { return int(s.Packet * media.SampleRate / time.Second) }

// Build compiles the program in dir, an existing directory of the caller's.
func Build(ctx context.Context, dir string) (*Program, error) {
	p := &Program{path: filepath.Join(dir, "libopus")}
	if err := os.WriteFile(p.path+".c", source, 0o600); err != nil {
		return nil, fmt.Errorf("write the source of libopus' program: %w", err)
	}
	// Debian has opus.h in a directory, other systems may not.
	cmd := exec.CommandContext(ctx, "cc", "-O2", "-Wall", "-I/usr/include/opus", "-o", p.path, p.path+".c", "-lopus")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile with libopus: %w: %w: %s", ErrMissing, err, bytes.TrimSpace(out))
	}
	out, _, err := p.run(ctx, nil, "version")
	p.Version = strings.TrimSpace(string(out))
	return p, err
}

// Encode returns pcm as packets, and the processor time that they took.
func (p *Program) Encode(ctx context.Context, s Settings, pcm []int16) ([]Record, time.Duration, error) {
	in := make([]byte, 0, 2*len(pcm))
	for _, x := range pcm {
		in = binary.NativeEndian.AppendUint16(in, uint16(x))
	}
	out, said, err := p.run(ctx, in, "encode", strconv.Itoa(s.Bitrate), strconv.Itoa(s.Samples()),
		strconv.Itoa(s.Complexity), strconv.Itoa(s.Loss), s.Mode)
	if err != nil {
		return nil, 0, err
	}
	records, err := Parse(out)
	return records, said.spent, err
}

// Decode returns the sound of records, which have so many samples each, the
// processor time that it took, and for how many packets the state of the range
// coder was another than Range.
func (p *Program) Decode(ctx context.Context, samples int, records []Record) (pcm []int16, spent time.Duration, wrong int, err error) {
	var in []byte
	for _, r := range records {
		in = r.Append(in)
	}
	out, said, err := p.run(ctx, in, "decode", strconv.Itoa(samples))
	if err != nil {
		return nil, 0, 0, err
	}
	for ; len(out) >= 2; out = out[2:] {
		pcm = append(pcm, int16(binary.NativeEndian.Uint16(out)))
	}
	return pcm, said.spent, said.wrong, nil
}

// figures are what the program says at its end.
type figures struct {
	spent time.Duration
	wrong int
}

// run runs the program.
func (p *Program) run(ctx context.Context, in []byte, args ...string) (out []byte, said figures, err error) {
	cmd := exec.CommandContext(ctx, p.path, args...)
	var text bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &text
	if out, err = cmd.Output(); err != nil {
		return nil, said, fmt.Errorf("run libopus: %w: %s", err, bytes.TrimSpace(text.Bytes()))
	}
	if args[0] == "version" {
		return out, said, nil
	}
	if _, err = fmt.Sscan(text.String(), &said.spent, &said.wrong); err != nil {
		return nil, said, fmt.Errorf("libopus said %q, not its figures: %w", text.String(), err)
	}
	return out, said, nil
}

// header is the size of a record without its packet: kind, size and range.
const header = 1 + 2 + 4

// Append appends the record as the program reads it.
func (r Record) Append(b []byte) []byte {
	b = append(b, byte(r.Kind))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(r.Packet)))
	b = binary.LittleEndian.AppendUint32(b, r.Range)
	return append(b, r.Packet...)
}

// Parse returns the records in b, whose packets are parts of b.
func Parse(b []byte) ([]Record, error) {
	var all []Record
	for len(b) > 0 {
		if len(b) < header {
			return nil, fmt.Errorf("%d bytes after the last record", len(b))
		}
		r := Record{Kind: Kind(b[0]), Range: binary.LittleEndian.Uint32(b[3:])}
		end := header + int(binary.LittleEndian.Uint16(b[1:]))
		if end > len(b) {
			return nil, fmt.Errorf("record %d of %d bytes ends after %d", len(all), end, len(b))
		}
		r.Packet, b = b[header:end], b[end:]
		all = append(all, r)
	}
	return all, nil
}
