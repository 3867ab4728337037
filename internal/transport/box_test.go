package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
)

var errTest = errors.New("test")

// The fifo does what a slice of slices would do.
func TestFifoAgainstModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, limit := range []int{10, 100, 4096, inboxBytes} {
		f := fifo{limit: limit}
		var model [][]byte
		used := 0
		for i := range 20000 {
			if rng.IntN(2) == 0 {
				b := bytes.Repeat([]byte{byte(i)}, rng.IntN(min(limit, MaxMessage)))
				want := used+fifoHead+len(b) <= limit
				if got := f.push(b); got != want {
					t.Fatalf("push of %d bytes with %d of %d used: %v, want %v", len(b), used, limit, got, want)
				}
				if want {
					model, used = append(model, b), used+fifoHead+len(b)
				}
				continue
			}
			if len(model) == 0 {
				continue
			}
			if got := f.pop([]byte("before")); string(got) != "before"+string(model[0]) {
				t.Fatalf("pop gave %x, want %x", got, model[0])
			}
			used -= fifoHead + len(model[0])
			model = model[1:]
		}
		if f.used != used || len(f.buf) > limit {
			t.Errorf("%d bytes used of %d, want %d of at most %d", f.used, len(f.buf), used, limit)
		}
	}
}

func TestInboxDropsTheOldest(t *testing.T) {
	in := newInbox(false)
	const count = 1000
	for i := range uint32(count) {
		in.putOrDrop(binary.BigEndian.AppendUint32(make([]byte, 1000), i))
	}
	in.close(errTest)
	kept := inboxBytes / (1004 + fifoHead)
	for want := uint32(count - kept); want < count; want++ {
		b, err := in.take(nil)
		if err != nil || binary.BigEndian.Uint32(b[1000:]) != want {
			t.Fatalf("took %x, %v, want number %d", b[1000:], err, want)
		}
	}
	if _, err := in.take(nil); !errors.Is(err, errTest) {
		t.Errorf("at the end %v, want %v", err, errTest)
	}
}

func TestInboxWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const full = inboxBytes / (MaxMessage + fifoHead)
		in := newInbox(false)
		done := make(chan struct{})
		go func() {
			for range full + 2 {
				in.put(make([]byte, MaxMessage))
			}
			close(done)
		}()
		synctest.Wait()
		if got := in.fifo.used / (MaxMessage + fifoHead); got != full {
			t.Fatalf("%d messages wait, want %d", got, full)
		}
		if _, err := in.take(nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := in.fifo.used / (MaxMessage + fifoHead); got != full {
			t.Errorf("%d messages wait after one was taken, want %d", got, full)
		}
		in.shut(errTest)
		<-done
		if _, err := in.take(nil); !errors.Is(err, errTest) {
			t.Errorf("take after shut: %v, want %v", err, errTest)
		}
	})
}

// Messages go first, whatever waits is taken at once, and senders wait for
// room only.
func TestOutbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(func() {})
		if ok, err := o.putDatagram([]byte("d1")); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if err := o.putMessage([]byte("m1")); err != nil {
			t.Fatal(err)
		}
		o.putPing(7)
		o.putPong(8)
		o.putPong(9)
		b, _, ok := o.take(nil)
		want := appendRecord(nil, recordPong, []byte{0, 0, 0, 0, 0, 0, 0, 9})
		want = appendRecord(want, recordPing, []byte{0, 0, 0, 0, 0, 0, 0, 7})
		want = appendRecord(want, recordMessage, []byte("m1"))
		want = appendRecord(want, recordDatagram, []byte("d1"))
		if !ok || !bytes.Equal(b, want) {
			t.Errorf("took %x, %v, want %x", b, ok, want)
		}

		results := make(chan error, 2)
		sent := 0
		go func() {
			for {
				ok, err := o.putDatagram(make([]byte, MaxDatagram))
				if !ok {
					results <- err
					return
				}
				sent++
			}
		}()
		synctest.Wait()
		if want := maxWaitingDatagrams / (recordHead + MaxDatagram); sent != want {
			t.Fatalf("%d datagrams wait, want %d", sent, want)
		}
		if err := o.putMessage(make([]byte, MaxMessage)); err != nil {
			t.Fatal("a message waits for datagrams")
		}
		o.setBypass(true) // the sender goes on over UDP
		if err := <-results; err != nil {
			t.Errorf("a datagram that goes over UDP now fails here: %v", err)
		}
		o.setBypass(false)

		o.finish(errTest)
		if err := o.putMessage(nil); !errors.Is(err, errTest) {
			t.Errorf("putMessage after finish: %v, want %v", err, errTest)
		}
		if b, _, ok := o.take(nil); !ok || len(b) != sent*(recordHead+MaxDatagram)+recordHead+MaxMessage {
			t.Errorf("took %d bytes, %v after finish", len(b), ok)
		}
		if b, last, ok := o.take(nil); ok || !last || len(b) != 0 {
			t.Errorf("took %x, %v, %v at the end", b, last, ok)
		}
	})
}

func TestOutboxCloseUnblocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(func() {})
		results := make(chan error, 2)
		go func() {
			for {
				if err := o.putMessage(make([]byte, MaxMessage)); err != nil {
					results <- err
					return
				}
			}
		}()
		go func() {
			for {
				if _, err := o.putDatagram(make([]byte, MaxDatagram)); err != nil {
					results <- err
					return
				}
			}
		}()
		synctest.Wait()
		o.close(errTest)
		for range 2 {
			if err := <-results; !errors.Is(err, errTest) {
				t.Errorf("error %v, want %v", err, errTest)
			}
		}
		if b, last, ok := o.take(nil); ok || !last || len(b) > 0 {
			t.Errorf("took %d bytes, %v, %v after close, want none and the end", len(b), last, ok)
		}
	})
}

// The write loop is started when there is something to write, ends when there is
// nothing while datagrams go over UDP, and is started again.
func TestOutboxStarts(t *testing.T) {
	starts := 0
	o := newOutbox(func() { starts++ })
	put := func() {
		if err := o.putMessage([]byte("m")); err != nil {
			t.Fatal(err)
		}
	}
	put()
	put()
	if starts != 1 {
		t.Errorf("%d starts for two messages, want 1", starts)
	}
	o.setBypass(true)
	if b, last, ok := o.take(nil); !ok || last || len(b) != 2*(recordHead+1) {
		t.Errorf("took %d bytes, %v, %v, want both messages", len(b), last, ok)
	}
	if b, last, ok := o.take(make([]byte, 0, 100)); ok || last || b != nil {
		t.Errorf("took %x, %v, %v of nothing, want an end that is not the last", b, last, ok)
	}
	put()
	if starts != 2 {
		t.Errorf("%d starts after the loop has ended, want 2", starts)
	}
	o.take(nil)
	o.take(nil)
	o.finish(errTest)
	if starts != 3 {
		t.Errorf("%d starts, want a third to say goodbye", starts)
	}
	if _, last, ok := o.take(nil); ok || !last {
		t.Errorf("took %v, %v at the end", last, ok)
	}
}

// A rare inbox takes no memory once it is empty.
func TestRareInbox(t *testing.T) {
	for _, rare := range []bool{false, true} {
		in := newInbox(rare)
		in.put(make([]byte, 100))
		in.put(make([]byte, 100))
		for range 2 {
			if in.fifo.buf == nil {
				t.Fatal("no room while something waits")
			}
			if b, ok := in.poll(nil); !ok || len(b) != 100 {
				t.Fatalf("%d bytes, %v", len(b), ok)
			}
		}
		if kept := in.fifo.buf != nil; kept == rare {
			t.Errorf("rare %v: room kept %v", rare, kept)
		}
	}
}
