package program

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// Patterns are byte strings to look for, of 8 bytes or more each.
type Patterns struct {
	list  [][]byte
	first map[uint64][]int // by the first 8 bytes
}

// NewPatterns returns Patterns for a list, whose order Find refers to.
func NewPatterns(list [][]byte) *Patterns {
	p := &Patterns{list: list, first: make(map[uint64][]int)}
	for i, b := range list {
		k := binary.LittleEndian.Uint64(b)
		p.first[k] = append(p.first[k], i)
	}
	return p
}

// Find marks in found the patterns that are in b.
func (p *Patterns) Find(b []byte, found map[int]bool) {
	for at := 0; at+8 <= len(b); at++ {
		for _, i := range p.first[binary.LittleEndian.Uint64(b[at:])] {
			if bytes.HasPrefix(b[at:], p.list[i]) {
				found[i] = true
			}
		}
	}
}

// Image stops the process, hands all of its memory that can be read to visit,
// a mapping at a time, and lets it go on. It is what a core dump would hold,
// and takes the rights of root for a process that is not dumpable.
func (r *Process) Image(visit func(mapping []byte)) (size int64, err error) {
	if err := r.Signal(Stop); err != nil {
		return 0, err
	}
	defer func() { _ = r.Signal(Continue) }()
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", r.PID()))
	if err != nil {
		return 0, err
	}
	defer mem.Close()
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", r.PID()))
	if err != nil {
		return 0, err
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to uint64 // vsyscall is in the upper half
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); err != nil {
			return size, fmt.Errorf("%q: %w", lines.Text(), err)
		}
		if mode[0] != 'r' || strings.HasSuffix(lines.Text(), "[vvar]") || strings.HasSuffix(lines.Text(), "[vsyscall]") {
			continue
		}
		n, err := readMapping(mem, int64(from), int64(to), visit)
		if size += n; err != nil {
			return size, err
		}
	}
	return size, nil
}

// readMapping reads a mapping in pieces that overlap by the longest pattern.
func readMapping(mem *os.File, from, to int64, visit func([]byte)) (size int64, err error) {
	const piece, overlap = 16 << 20, 4 << 10
	for at := from; at < to; at += piece {
		b := make([]byte, min(to-at, piece+overlap))
		n, err := mem.ReadAt(b, at)
		if n == 0 && err != nil {
			// A mapping of a device, or of pages that were never there.
			if errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EFAULT) {
				return size, nil
			}
			return size, err
		}
		visit(b[:n])
		size += int64(min(n, piece))
	}
	return size, nil
}
