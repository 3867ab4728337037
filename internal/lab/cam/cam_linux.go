package cam

import (
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Camera is plugged in from Start to Close. Any goroutine may use it.
type Camera struct {
	// Set by Start.
	cfg  Config
	dir  string // to be removed, or ""
	born time.Time

	// Updated by any goroutine.
	faults                    faults
	frames, starved, dequeues atomic.Int64
	closing                   sync.Once // lets the garbage collector work again

	// Guarded by setting.
	setting sync.Mutex
	sets    []Set

	// Guarded by drawing: a program that closes and opens the camera at once
	// makes the old stream and the new one overlap.
	drawing sync.Mutex

	// Guarded by mu.
	mu    sync.Mutex
	path  string
	made  bool    // the plain file is ours
	nodes []*node // the last is plugged in if plugged
	plug  bool
}

// faults are what is wrong with a camera at the moment.
type faults struct {
	frozen atomic.Bool // gives no pictures
	busy   atomic.Bool // as if another program had it
	bad    atomic.Bool // the next picture is cut short
	broken atomic.Bool // EIO, until streaming is switched off
	hollow atomic.Bool // says that there are pictures, but has none
	hiccup atomic.Bool // EIO, once
}

// Start plugs a camera in. It fails without root or without /dev/fuse, which a
// test passes on to lab.Need. The camera stays until Close.
func Start(c Config) (*Camera, error) {
	c = c.withDefaults()
	sizes := c.Sizes
	if c.Lies.Size != (image.Point{}) {
		sizes = append(slices.Clone(sizes), c.Lies.Size)
	}
	for _, s := range sizes {
		if s.X < 2 || s.Y < 2 || s.X%2 != 0 || s.X*s.Y*2*maxBuffers > fileSize {
			return nil, fmt.Errorf("start virtual camera: size %v is odd or too large", s)
		}
	}
	cam := &Camera{cfg: c, path: c.Path, born: time.Now()}
	holdStill()
	if cam.path == "" {
		dir, err := os.MkdirTemp("", "fakecam")
		if err != nil {
			moveAgain()
			return nil, err
		}
		cam.dir, cam.path = dir, filepath.Join(dir, "video0")
	}
	if err := cam.Plug(); err != nil {
		return nil, errors.Join(fmt.Errorf("start virtual camera (needs root and /dev/fuse): %w", err), cam.Close())
	}
	return cam, nil
}

// Path returns where the camera is while it is plugged in.
func (c *Camera) Path() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.path
}

// Sets returns the controls that programs have set since Start, in order.
func (c *Camera) Sets() []Set {
	c.setting.Lock()
	defer c.setting.Unlock()
	return slices.Clone(c.sets)
}

// set records that a program has set a control.
func (c *Camera) set(s Set) {
	c.setting.Lock()
	defer c.setting.Unlock()
	c.sets = append(c.sets, s)
}

// Control returns the present value of a control, -1 if there is none or the
// camera is not plugged in.
func (c *Camera) Control(id uint32) int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.plug {
		return -1
	}
	n := c.nodes[len(c.nodes)-1]
	n.mu.Lock()
	defer n.mu.Unlock()
	if k := n.findControl(id); k != nil {
		return k.Value
	}
	return -1
}

// Stats returns what programs have done with the camera so far.
func (c *Camera) Stats() Stats {
	return Stats{Frames: c.frames.Load(), Starved: c.starved.Load(), Dequeues: c.dequeues.Load()}
}

// Plug plugs the camera in again.
func (c *Camera) Plug() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.plugLocked()
}

// PlugAt plugs the camera in again at another path, as a system does that has
// given the number to somebody else.
func (c *Camera) PlugAt(path string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.plug {
		return errors.New("the camera is plugged in already")
	}
	c.path = path
	return c.plugLocked()
}

func (c *Camera) plugLocked() error {
	if c.plug {
		return nil
	}
	if err := c.makeFileLocked(); err != nil {
		return err
	}
	n, err := newNode(c, c.path)
	if err != nil {
		return errors.Join(err, c.removeFileLocked())
	}
	c.nodes = slices.DeleteFunc(c.nodes, func(n *node) bool {
		select {
		case <-n.ended:
			return true
		default:
			return false
		}
	})
	c.nodes, c.plug = append(c.nodes, n), true
	return nil
}

// makeFileLocked makes the plain file that the camera is mounted over, unless
// there is one.
func (c *Camera) makeFileLocked() error {
	st, err := os.Stat(c.path)
	switch {
	case err == nil && !st.Mode().IsRegular():
		return fmt.Errorf("%s exists and is no plain file", c.path)
	case err == nil:
		return nil
	}
	f, err := os.OpenFile(c.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	c.made = true
	return f.Close()
}

func (c *Camera) removeFileLocked() error {
	if !c.made {
		return nil
	}
	c.made = false
	return os.Remove(c.path)
}

// Unplug takes the camera away: whoever streams from it gets ENODEV, and the
// file disappears.
func (c *Camera) Unplug() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.plug {
		return nil
	}
	c.plug = false
	n := c.nodes[len(c.nodes)-1]
	n.unplug()
	return errors.Join(n.conn.unmount(), c.removeFileLocked())
}

// Close unplugs the camera and waits for its end. Programs that still have it
// open get errors.
func (c *Camera) Close() error {
	err := c.Unplug()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.nodes {
		n.conn.abort()
		<-n.ended
	}
	c.nodes = nil
	c.closing.Do(moveAgain)
	if c.dir != "" {
		err = errors.Join(err, os.RemoveAll(c.dir))
	}
	return err
}

// Do runs a command of fakecam: unplug, plug, freeze, resume, bad, busy, free,
// fail, hiccup or hollow. freeze stops the pictures and hollow does so while poll
// still says that there are some, until resume; bad cuts the next picture
// short; busy refuses new programs until free; fail breaks the streaming with
// EIO until it is started anew, hiccup does so once.
func (c *Camera) Do(command string) error {
	f := &c.faults
	switch command {
	case "unplug":
		return c.Unplug()
	case "plug":
		return c.Plug()
	case "freeze":
		f.frozen.Store(true)
	case "resume":
		f.frozen.Store(false)
		f.hollow.Store(false)
	case "hollow":
		f.hollow.Store(true)
	case "bad":
		f.bad.Store(true)
	case "busy":
		f.busy.Store(true)
	case "free":
		f.busy.Store(false)
	case "hiccup":
		f.hiccup.Store(true)
	case "fail":
		f.broken.Store(true)
	default:
		return fmt.Errorf("unknown command %q", command)
	}
	c.wake()
	return nil
}

// wake makes programs look at the camera again.
func (c *Camera) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.plug {
		c.nodes[len(c.nodes)-1].wake()
	}
}

// draw draws what the camera sees at the instant now.
func (c *Camera) draw(img *image.YCbCr, now time.Time) {
	c.drawing.Lock()
	defer c.drawing.Unlock()
	c.cfg.Source.Draw(img, max(now.Sub(c.born), 0))
}
