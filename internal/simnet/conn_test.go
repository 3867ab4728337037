package simnet

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestMessages sends more messages than the window holds over a link that
// loses every datagram.
func TestMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := Link{Delay: 40 * time.Millisecond, Jitter: 10 * time.Millisecond, Loss: 1}
		member, hub := pair(t, New(1), link, link)
		const count = 5 * windowLen
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := range count {
				m := bytes.Repeat([]byte{byte(i)}, 1+i)
				if err := member.SendMessage(m); err != nil {
					t.Errorf("message %d: %v", i, err)
					return
				}
				clear(m) // it is the caller's again
			}
			member.Close()
		})
		b := make([]byte, 0, 8)
		for i := range count {
			var err error
			if b, err = hub.RecvMessage(b); err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
			if want := bytes.Repeat([]byte{byte(i)}, 1+i); !bytes.Equal(b, want) {
				t.Fatalf("message %d = %x, want %x", i, b, want)
			}
		}
		if _, err := hub.RecvMessage(b); !errors.Is(err, io.EOF) {
			t.Errorf("after the last: %v, want EOF", err)
		}
		wg.Wait()
	})
}

func TestSendMessageWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		member, hub := pair(t, New(1), Link{}, Link{})
		sent := 0
		var failure error
		var wg sync.WaitGroup
		wg.Go(func() {
			for failure == nil {
				if failure = member.SendMessage([]byte{1}); failure == nil {
					sent++
				}
			}
		})
		synctest.Wait()
		if sent != windowLen {
			t.Errorf("%d messages sent to one who does not read, want %d", sent, windowLen)
		}
		if _, err := hub.RecvMessage(nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if sent != windowLen+1 {
			t.Errorf("%d messages sent after one was read, want %d", sent, windowLen+1)
		}
		member.Close()
		wg.Wait()
		if !errors.Is(failure, net.ErrClosed) {
			t.Errorf("SendMessage after Close: %v, want net.ErrClosed", failure)
		}
	})
}

// TestCloseUnblocks closes one end while all four calls wait or work at both.
func TestCloseUnblocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		member, hub := pair(t, New(1), Link{Delay: 40 * time.Millisecond}, Link{Delay: 40 * time.Millisecond})
		var wg sync.WaitGroup
		calls := func(c *Conn, end string, want error) {
			fails := func(name string, call func() error) {
				wg.Go(func() {
					var err error
					for err == nil {
						err = call()
					}
					if !errors.Is(err, want) {
						t.Errorf("%s: %s = %v, want %v", end, name, err, want)
					}
				})
			}
			fails("SendDatagram", func() error { time.Sleep(time.Millisecond); return c.SendDatagram([]byte{1}) })
			fails("RecvDatagram", func() error { _, err := c.RecvDatagram(make([]byte, maxDatagram)); return err })
			fails("SendMessage", func() error { return c.SendMessage([]byte{1}) })
		}
		calls(member, "closed end", net.ErrClosed)
		calls(hub, "other end", io.EOF)
		time.Sleep(time.Second)
		for range 2 {
			if err := member.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		closed := time.Now()
		if _, err := member.RecvMessage(nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("RecvMessage at the closed end: %v, want net.ErrClosed", err)
		}
		got := 0
		for {
			if _, err := hub.RecvMessage(nil); err != nil {
				if !errors.Is(err, io.EOF) {
					t.Errorf("RecvMessage at the other end: %v, want EOF", err)
				}
				break
			}
			got++
		}
		if d := time.Since(closed); d != 40*time.Millisecond {
			t.Errorf("the other end learnt after %v, want 40 ms", d)
		}
		if got < windowLen {
			t.Errorf("%d messages were received after the close, want at least %d", got, windowLen)
		}
		wg.Wait()
	})
}

func TestCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := Link{Delay: 40 * time.Millisecond}
		member, hub := pair(t, New(1), link, link)
		var got []arrival
		var messages []string
		var messageAt time.Time
		var wg sync.WaitGroup
		wg.Go(func() { got = collect(hub) })
		wg.Go(func() {
			for {
				b, err := hub.RecvMessage(nil)
				if err != nil {
					return
				}
				messages, messageAt = append(messages, string(b)), time.Now()
			}
		})
		member.SendMessage([]byte("before"))
		numbered(t, member, 10, 4, 0) // on their way when the cut comes
		hub.Cut(true, false)
		numbered(t, member, 10, 4, 10*time.Millisecond)
		member.SendMessage([]byte("in the cut"))
		if err := hub.SendDatagram([]byte("back")); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if want := []string{"before"}; !slices.Equal(messages, want) {
			t.Errorf("in the cut: messages %q, want %q", messages, want)
		}
		var b [maxDatagram]byte
		if n, err := member.RecvDatagram(b[:]); err != nil || string(b[:n]) != "back" {
			t.Errorf("the other direction: %q, %v", b[:n], err)
		}
		member.Cut(false, false)
		healed := time.Now()
		member.SendMessage([]byte("after"))
		time.Sleep(time.Second)
		synctest.Wait()
		if want := []string{"before", "in the cut", "after"}; !slices.Equal(messages, want) {
			t.Errorf("messages %q, want %q", messages, want)
		}
		if d := messageAt.Sub(healed); d != 40*time.Millisecond {
			t.Errorf("messages arrived %v after the cut, want 40 ms", d)
		}

		member.Cut(true, true)
		member.Close()
		time.Sleep(time.Hour)
		if err := hub.SendDatagram([]byte{1}); err != nil {
			t.Errorf("the close got through the cut: %v", err)
		}
		hub.Cut(false, false)
		wg.Wait()
		if len(got) != 10 {
			t.Errorf("%d datagrams arrived, want the 10 sent before the cut", len(got))
		}
	})
}
