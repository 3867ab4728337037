package call

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// A device that failed is tried again after these pauses, so that it can be
// plugged in again, or the sound server restarted, in the middle of a call.
// What comes back at all mostly does within seconds.
const (
	quickRetry = 200 * time.Millisecond // for quickTime
	quickTime  = 3 * time.Second
	firstRetry = time.Second
	maxRetry   = 5 * time.Second
	openWithin = 10 * time.Second // a device that takes longer to open has failed
)

// keepOpen opens a device and lets use have it, again and again until ctx is
// done. The first failure in a row is told to the person; idle runs during the
// pauses and returns when its context is done.
func keepOpen[S io.Closer](ctx context.Context, c *Call, what string, open func(context.Context) (S, error),
	use func(S) error, idle func(context.Context),
) {
	told := false
	var since time.Time // of the failure
	pause := firstRetry
	for {
		s, err := openDevice(ctx, open)
		if err == nil {
			if told {
				c.notify(Notice{Kind: DeviceBack, Device: what})
			}
			told = false
			opened := time.Now()
			stop := context.AfterFunc(ctx, func() { s.Close() })
			err = use(s)
			stop()
			s.Close()
			wake(c.outbox.beat)
			c.touch()
			// Unless it is one that opens and fails at once, again and again.
			if time.Since(opened) >= quickTime || errors.Is(err, os.ErrClosed) {
				pause, since = firstRetry, time.Time{}
			}
		}
		if ctx.Err() != nil {
			return
		}
		// A clip that ended closes itself; it starts again without a word.
		if !told && !errors.Is(err, os.ErrClosed) {
			told = true
			c.cfg.Log.Warn("device failed", "device", what, "err", err)
			c.notify(Notice{Kind: DeviceLost, Device: what, Err: err})
		}
		if since.IsZero() {
			since = time.Now()
		}
		next := quickRetry
		if time.Since(since) >= quickTime {
			next, pause = pause, min(pause*2, maxRetry)
		}
		until, cancel := context.WithTimeout(ctx, next)
		idle(until)
		cancel()
	}
}

// openDevice opens a device within openWithin.
func openDevice[S io.Closer](ctx context.Context, open func(context.Context) (S, error)) (S, error) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	return open(ctx)
}

// wait is the idle of a device that has nothing to do without itself.
func wait(ctx context.Context) { <-ctx.Done() }
