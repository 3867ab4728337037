package call

import (
	"errors"
	"time"

	"github.com/sanix-darker/s2c/internal/video"
	"github.com/sanix-darker/s2c/internal/wire"
)

// waitingLen is how many pictures may wait for one that was lost: half a second
// at 30 a second. A decoder keeps as many to predict from.
const waitingLen = 16

// stalePictures is how far behind the newest a picture with a lower id is taken
// for a late one; one further behind is of a sender who has counted on unseen.
const stalePictures = 1 << 10

// A catcher decodes the pictures of one member in their order. Pictures that
// come before the one that they are predicted from wait for it; when it comes,
// all are decoded at once. One goroutine uses it.
type catcher struct {
	dec     *video.Decoder
	layer   int
	time    wire.Millis // when the picture decoded last was captured
	any     bool        // something was decoded
	newest  uint16      // the picture decoded last
	waiting [waitingLen]coded
	n       int       // how many of waiting are in use, by id
	since   time.Time // when the oldest began to wait
	timer   *time.Timer
}

// late reports whether p is of no use any more, as a later one was decoded.
func (k *catcher) late(p *coded) bool {
	d := int16(p.id - k.newest)
	return k.any && d <= 0 && (p.id != p.ref || d > -stalePictures)
}

// keep has p wait, in exchange for its buffer, and reports whether another one
// had to go.
func (k *catcher) keep(p *coded, now time.Time) (lost bool) {
	i := k.n
	for ; i > 0 && int16(p.id-k.waiting[i-1].id) <= 0; i-- {
		if k.waiting[i-1].id == p.id {
			return false
		}
	}
	if k.n == 0 {
		k.since = now
	}
	if k.n == waitingLen {
		if i == 0 {
			return true
		}
		k.drop(0)
		i--
		lost = true
	}
	spare := k.waiting[k.n]
	copy(k.waiting[i+1:k.n+1], k.waiting[i:k.n])
	k.waiting[i], *p = *p, spare
	k.n++
	return lost
}

// drop forgets a picture that waits.
func (k *catcher) drop(i int) {
	gone := k.waiting[i]
	copy(k.waiting[i:], k.waiting[i+1:k.n])
	k.n--
	k.waiting[k.n] = gone // for its buffer
}

// turn makes k one of p's layer, if it is one of another. The ids of the
// layers have nothing to do with each other, so all that came before is
// forgotten. It reports false if p was overtaken by the change of layers.
func (k *catcher) turn(p *coded) bool {
	if p.layer == k.layer {
		return true
	}
	if k.time != 0 && p.time.Sub(k.time) <= 0 {
		return false
	}
	k.dec, k.layer, k.time, k.any = video.NewDecoder(), p.layer, p.time, false
	for k.n > 0 {
		k.drop(0)
	}
	return true
}

// takePicture decodes p and what has waited for it, or has it wait.
func (c *Call) takePicture(m *member, k *catcher, p *coded, now time.Time) {
	if !k.turn(p) || k.late(p) {
		return
	}
	first := !k.any
	switch err := c.decode(m, k, p); {
	case err == nil:
	case errors.Is(err, video.ErrReference) && k.any:
		if k.keep(p, now) {
			m.broken.Add(1)
		}
		if now.Sub(k.since) >= time.Duration(m.patience.Load()) {
			m.missPicture(k.layer, k.newest, false)
			wake(c.outbox.ask)
		}
		return
	default:
		if !first { // what came before the first key picture was never ours
			m.broken.Add(1)
		} else if errors.Is(err, video.ErrReference) {
			k.keep(p, now) // the key picture may only be late
		}
		m.missPicture(k.layer, k.newest, !k.any)
		wake(c.outbox.ask)
		return
	}
	for i := 0; i < k.n; {
		w := &k.waiting[i]
		if !k.late(w) && c.decode(m, k, w) != nil {
			i++ // its own time may come
			continue
		}
		if k.late(w) && w.id != k.newest && !first {
			m.broken.Add(1)
		}
		k.drop(i)
	}
	k.since = now // for what still waits there is news
	m.gotPicture()
}

// decode decodes p and publishes it.
func (c *Call) decode(m *member, k *catcher, p *coded) error {
	f := m.pictures.Back()
	if err := k.dec.Decode(p.data, video.Picture{ID: p.id, Ref: p.ref}, &f.YCbCr); err != nil {
		return err
	}
	now := time.Now()
	k.any, k.newest, k.time = true, p.id, p.time
	m.decoded.Add(1)
	m.size.Store(uint64(f.Rect.Dx())<<32 | uint64(f.Rect.Dy()))
	age := wire.NewMillis(now).Sub(p.time)
	m.pictureAge(age)
	c.matchLips(m, k, age, now)
	f.At, f.Tall = now.Add(-age), p.tall
	m.pictures.Put()
	c.touch()
	return nil
}
