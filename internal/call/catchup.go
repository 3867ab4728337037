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
	any     bool   // something was decoded
	newest  uint16 // the picture decoded last
	waiting [waitingLen]coded
	n       int       // how many of waiting are in use, by id
	since   time.Time // when the oldest began to wait
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

// takePicture decodes p and what has waited for it, or has it wait.
func (c *Call) takePicture(m *member, k *catcher, p *coded, now time.Time) {
	if k.late(p) {
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
			m.missPicture(k.newest, false)
			wake(c.outbox.ask)
		}
		return
	default:
		if !first { // what came before the first key picture was never ours
			m.broken.Add(1)
		} else if errors.Is(err, video.ErrReference) {
			k.keep(p, now) // the key picture may only be late
		}
		m.missPicture(k.newest, !k.any)
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
	f.At = now
	k.any, k.newest = true, p.id
	m.decoded.Add(1)
	m.pictureAge(wire.NewMillis(now).Sub(p.time))
	m.pictures.Put()
	c.touch()
	return nil
}
