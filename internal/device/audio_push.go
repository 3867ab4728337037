package device

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// errMute says that a microphone is open and gives no sound.
var errMute = errors.New("no sound arrives")

// pushChunks is how much a push keeps for a slow reader: 200 ms.
const pushChunks = 20

// A push turns a driver that hands out sound as it comes around for a reader of
// chunks: it keeps the newest, and the driver never waits. One goroutine puts,
// one reads; any goroutine may fail it.
type push struct {
	heard chan struct{} // closed with the first chunk

	mu      sync.Mutex
	changed sync.Cond // of what mu guards

	// Guarded by mu.
	chunks [pushChunks]media.Chunk
	first  int // the oldest
	n      int
	err    error // why there will be no more
}

func newPush() *push {
	p := &push{heard: make(chan struct{})}
	p.changed.L = &p.mu
	return p
}

// await waits for the first chunk. It returns the reason instead when ended is
// closed, which it is after fail, and wraps errMute after so long a silence.
func (p *push) await(ctx context.Context, ended <-chan struct{}, silence time.Duration) error {
	timer := time.NewTimer(silence)
	defer timer.Stop()
	select {
	case <-p.heard:
		return nil
	case <-ended:
		return p.reason()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return fmt.Errorf("%w within %v", errMute, silence)
	}
}

// put appends a chunk. The oldest makes room.
func (p *push) put(c *media.Chunk) {
	p.mu.Lock()
	if p.n == pushChunks {
		p.first = (p.first + 1) % pushChunks
		p.n--
	}
	p.chunks[(p.first+p.n)%pushChunks] = *c
	p.n++
	select {
	case <-p.heard:
	default:
		close(p.heard)
	}
	p.mu.Unlock()
	p.changed.Signal()
}

// fail ends the sound for the given reason, unless it has ended before. What is
// kept can still be read, but not after os.ErrClosed.
func (p *push) fail(err error) {
	p.mu.Lock()
	if p.err == nil {
		p.err = err
	}
	p.mu.Unlock()
	p.changed.Broadcast()
}

// reason returns why there is no more sound, or nil.
func (p *push) reason() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// ReadChunk waits for the next chunk.
func (p *push) ReadChunk(c *media.Chunk) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.n == 0 && p.err == nil {
		p.changed.Wait()
	}
	if p.n == 0 || errors.Is(p.err, os.ErrClosed) {
		return p.err
	}
	*c = p.chunks[p.first]
	p.first = (p.first + 1) % pushChunks
	p.n--
	return nil
}
