package device

import (
	"encoding/binary"
	"io"
	"os"
	"sync"

	"github.com/sanix-darker/s2c/internal/media"
)

// A pull turns a writer of chunks around for a driver that reads: it holds one
// chunk at most, so that the driver's pace is the writer's. One goroutine
// writes, one reads; any goroutine may close.
type pull struct {
	mu      sync.Mutex
	changed sync.Cond // of what mu guards

	// Guarded by mu.
	pcm    [media.ChunkSamples]int16
	rest   []int16 // what of pcm has not been read
	closed bool
}

func newPull() *pull {
	p := &pull{}
	p.changed.L = &p.mu
	return p
}

// wait waits until the last chunk has been read.
func (p *pull) wait() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waitLocked()
}

func (p *pull) waitLocked() error {
	for len(p.rest) > 0 && !p.closed {
		p.changed.Wait()
	}
	if p.closed {
		return os.ErrClosed
	}
	return nil
}

// write waits until the last chunk has been read, and takes the next.
func (p *pull) write(c *media.Chunk) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.waitLocked(); err != nil {
		return err
	}
	p.pcm = c.PCM
	p.rest = p.pcm[:]
	p.changed.Broadcast()
	return nil
}

// Read waits for sound and stores it in b, little endian. After close it returns
// io.EOF.
func (p *pull) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.rest) == 0 && !p.closed {
		p.changed.Wait()
	}
	if p.closed {
		return 0, io.EOF
	}
	n := min(len(b)/2, len(p.rest))
	for i, v := range p.rest[:n] {
		binary.LittleEndian.PutUint16(b[2*i:], uint16(v))
	}
	p.rest = p.rest[n:]
	p.changed.Broadcast()
	return 2 * n, nil
}

// waiting returns how many samples have not been read.
func (p *pull) waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.rest)
}

// close unblocks both ends.
func (p *pull) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.changed.Broadcast()
}
