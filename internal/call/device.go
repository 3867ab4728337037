package call

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/text"
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

// ErrNone is what an opener of Config returns when the person wants no device of
// its kind, for now. Nothing is said of it, and nothing tried until there is another
// choice.
var ErrNone = errors.New("no device is wanted")

// The kinds of devices.
const (
	aCamera     = "camera"
	aMicrophone = "microphone"
	aSpeaker    = "speaker"
)

// A choice is the device that the person wants next of one kind.
type choice struct {
	ready chan struct{} // tells the keeper; never closed

	mu   sync.Mutex
	name string // guarded by mu; "" when there is nothing new
}

func (x *choice) put(name string) {
	x.mu.Lock()
	x.name = name
	x.mu.Unlock()
	wake(x.ready)
}

// putBack puts a choice back that could not be followed yet, unless there is a
// newer one.
func (x *choice) putBack(name string) {
	x.mu.Lock()
	if x.name == "" {
		x.name = name
	}
	x.mu.Unlock()
	wake(x.ready)
}

func (x *choice) take() (name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	name, x.name = x.name, ""
	return name
}

// UseDevice changes the "camera", the "microphone" or the "speaker" while the call
// runs, to what Config.Choose knows under a name. It returns at once: how it went
// comes as a notice. DeviceChanged has the name in Text. DeviceLost has the reason
// in Err, and DeviceBack follows as soon as the device of before is in use.
func (c *Call) UseDevice(kind, name string) error {
	x := c.choices[kind]
	switch {
	case x == nil:
		return fmt.Errorf("%q is none of %s, %s and %s", kind, aCamera, aMicrophone, aSpeaker)
	case name == "":
		return fmt.Errorf("the name of a %s is missing", kind)
	case c.cfg.Choose == nil:
		return errNoChoice
	}
	x.put(name)
	return nil
}

var errNoChoice = errors.New("the devices of this call cannot be changed")

// A keeper keeps a device open. One goroutine uses it, and another one, which it
// waits for, while a device is open or there is none.
type keeper struct {
	call   *Call
	what   string
	choice *choice
	told   bool      // the person knows that there is none
	since  time.Time // of the first failure in a row
	pause  time.Duration

	// The device that was chosen and has not been opened yet.
	name string
	undo func() // nil when there is none
}

// keepOpen opens a device and lets use have it, again and again until ctx is
// done, and another one when the person chooses it. The first failure in a row is
// told to the person; idle runs during the pauses and returns when its context is
// done.
func keepOpen[S io.Closer](ctx context.Context, c *Call, what string, open func(context.Context) (S, error),
	use func(S) error, idle func(context.Context),
) {
	k := keeper{call: c, what: what, choice: c.choices[what], pause: firstRetry}
	for {
		s, err := openDevice(ctx, open)
		if err == nil {
			k.opened()
			at := time.Now()
			stop := context.AfterFunc(ctx, func() { s.Close() })
			ignore := k.attend(ctx, func() { s.Close() })
			err = use(s)
			ignore()
			stop()
			s.Close()
			wake(c.outbox.beat)
			c.touch()
			// Unless it is one that opens and fails at once, again and again.
			if time.Since(at) >= quickTime || errors.Is(err, os.ErrClosed) {
				k.pause, k.since = firstRetry, time.Time{}
			}
			if k.undo != nil && ctx.Err() == nil {
				continue // with what was chosen
			}
		} else if ctx.Err() == nil && k.refused(err) {
			continue // with the one before
		}
		if ctx.Err() != nil {
			return
		}
		until, cancel := k.rest(ctx, err)
		ignore := k.attend(until, cancel)
		idle(until)
		cancel()
		ignore()
	}
}

// opened tells the person that a device is open, if there is a reason to.
func (k *keeper) opened() {
	switch {
	case k.undo != nil:
		k.call.notify(Notice{Kind: DeviceChanged, Device: k.what, Text: text.Clean(k.name, maxLine)})
	case k.told:
		k.call.notify(Notice{Kind: DeviceBack, Device: k.what})
	}
	k.told, k.undo = false, nil
}

// refused takes note that a device could not be opened. It reports true when that
// is one that was chosen: then the one before is to be opened again.
func (k *keeper) refused(err error) bool {
	if k.undo == nil {
		return false
	}
	if errors.Is(err, ErrNone) {
		k.opened() // nothing, as was wanted
		return false
	}
	k.undo()
	k.undo = nil
	k.tell(err)
	return true
}

// tell tells the person of a failure.
func (k *keeper) tell(err error) {
	k.told = true
	k.call.cfg.Log.Warn("device failed", "device", k.what, "err", err)
	k.call.notify(Notice{Kind: DeviceLost, Device: k.what, Err: err})
}

// rest returns the context of the pause after a failure.
func (k *keeper) rest(ctx context.Context, err error) (context.Context, context.CancelFunc) {
	if errors.Is(err, ErrNone) {
		k.told, k.since = false, time.Time{}
		return context.WithCancel(ctx)
	}
	// A clip that ended closes itself; it starts again without a word.
	if !k.told && !errors.Is(err, os.ErrClosed) {
		k.tell(err)
	}
	if k.since.IsZero() {
		k.since = time.Now()
	}
	next := quickRetry
	if time.Since(k.since) >= quickTime {
		next, k.pause = k.pause, min(k.pause*2, maxRetry)
	}
	return context.WithTimeout(ctx, next)
}

// attend follows what the person chooses, in a goroutine of its own, until ctx is
// done or ignore is called, which waits for it. When something can be had it calls
// done, which ends what is open.
func (k *keeper) attend(ctx context.Context, done func()) (ignore func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	k.call.goes(&wg, func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-k.choice.ready:
			}
			if name := k.choice.take(); name != "" && k.follow(ctx, name) {
				done()
				return
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// follow has the openers mean another device, and reports whether they do.
func (k *keeper) follow(ctx context.Context, name string) bool {
	within, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	undo, err := k.call.cfg.Choose(within, k.what, name)
	if err == nil {
		k.name, k.undo = name, undo
		return true
	}
	if ctx.Err() != nil { // what was open has ended meanwhile
		k.choice.putBack(name)
		return false
	}
	was := k.told
	k.tell(err)
	if k.told = was; !was {
		k.call.notify(Notice{Kind: DeviceBack, Device: k.what})
	}
	return false
}

// openDevice opens a device within openWithin.
func openDevice[S io.Closer](ctx context.Context, open func(context.Context) (S, error)) (S, error) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	return open(ctx)
}

// wait is the idle of a device that has nothing to do without itself.
func wait(ctx context.Context) { <-ctx.Done() }
