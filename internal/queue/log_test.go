package queue

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// drainLog returns what is to be sent now, as one text.
func drainLog(l *Log) (text string) {
	for b := l.Next(); b != nil; b = l.Next() {
		text += string(b)
	}
	return text
}

func TestLog(t *testing.T) {
	var l Log
	want := func(when, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: sent %q, want %q", when, got, want)
		}
	}
	want("empty", drainLog(&l), "")
	for _, b := range []string{"a", "b", "c", "d"} {
		l.Append([]byte(b))
	}
	if l.Ack(1) {
		t.Error("what was never sent has come")
	}
	want("first", drainLog(&l), "abcd")
	want("again", drainLog(&l), "")
	if !l.Ack(2) || l.Ack(1) || l.Ack(5) || !l.Ack(2) {
		t.Error("Ack does not take 2, refuse 1 and 5, and take 2 again")
	}
	if l.Weight() != 2 || l.Sent() != 4 || l.Unsent() != 0 {
		t.Errorf("weight %d, %d sent, %d not; want 2, 4 and 0", l.Weight(), l.Sent(), l.Unsent())
	}
	if l.Rewind(1) || l.Rewind(5) || !l.Rewind(3) {
		t.Error("Rewind does not refuse 1 and 5 and take 3")
	}
	l.Append([]byte("e"))
	if l.Unsent() != 2 || l.Sent() != 3 {
		t.Errorf("%d not sent, %d sent after Rewind, want 2 and 3", l.Unsent(), l.Sent())
	}
	want("after Rewind", drainLog(&l), "de")
	if !l.Ack(5) || l.Weight() != 0 || l.list != nil {
		t.Errorf("weight %d, %d messages after all have come", l.Weight(), len(l.list))
	}
}

func TestLogWeight(t *testing.T) {
	var l Log
	for n, want := range map[int]int{0: 1, 1023: 1, 1024: 2, 4096: 5} {
		if got := Weight(make([]byte, n)); got != want {
			t.Errorf("Weight of %d bytes = %d, want %d", n, got, want)
		}
		l.Append(make([]byte, n))
	}
	if l.Weight() != 9 {
		t.Errorf("all weigh %d, want 9", l.Weight())
	}
}

// TestLogLosesNothing breaks the connection again and again, wherever.
func TestLogLosesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var l Log
	var got []string // at the other end
	onWay := 0
	const all = 2000
	for n := 0; len(got) < all; {
		switch r.IntN(8) {
		case 0, 1, 2:
			if n < all {
				l.Append(fmt.Append(nil, n))
				n++
			}
		case 3, 4, 5:
			if b := l.Next(); b != nil {
				if onWay == 0 || r.IntN(50) > 0 { // else all that follows is lost with the connection
					got = append(got, string(b))
				} else if !l.Rewind(uint64(len(got))) {
					t.Fatalf("Rewind(%d) refused after %d", len(got), n)
				}
				onWay++
			}
		default:
			if !l.Ack(uint64(len(got))) {
				t.Fatalf("Ack(%d) refused after %d", len(got), n)
			}
		}
	}
	for i, s := range got {
		if s != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, s)
		}
	}
	if l.Ack(all); l.Weight() != 0 {
		t.Errorf("a weight of %d is left", l.Weight())
	}
}
