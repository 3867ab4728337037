package term

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A script is a line on which a terminal answers at times of its own.
type script struct {
	asked   strings.Builder
	said    chan string
	refuses error // of Write
}

func (s *script) Write(b []byte) (int, error) {
	if s.refuses != nil {
		return 0, s.refuses
	}
	return s.asked.Write(b)
}

func (s *script) receive(b []byte, d time.Duration) (int, error) {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case said, ok := <-s.said:
		if !ok {
			return 0, io.EOF
		}
		return copy(b, said), nil
	case <-wait.C:
		return 0, nil
	}
}

// An event is what a terminal says, and how long after what it said before.
type event struct {
	after time.Duration
	said  string // "" hangs up
}

func TestAsk(t *testing.T) {
	const all = "\x1bP>|foot(1.20.2)\x1b\\\x1b[?2026;2$y\x1b[?62;4c"
	for _, tt := range []struct {
		name   string
		events []event
		want   string // the name
		took   time.Duration
	}{
		{"at once", []event{{time.Millisecond, all}}, "foot", time.Millisecond},
		{"in pieces", []event{{10 * time.Millisecond, all[:9]}, {30 * time.Millisecond, all[9:30]}, {5 * time.Millisecond, all[30:]}}, "foot", 45 * time.Millisecond},
		{"keys among them", []event{{0, "q\x1b[A" + all[:18]}, {0, "\x1b[B\x1bOP" + all[18:]}}, "foot", 0},
		{"late", []event{{450 * time.Millisecond, all}}, "foot", 450 * time.Millisecond},
		{"without the last", []event{{10 * time.Millisecond, all[:18]}}, "foot", 500 * time.Millisecond},
		{"never", nil, "", 500 * time.Millisecond},
		{"too late", []event{{501 * time.Millisecond, all}}, "", 500 * time.Millisecond},
		{"hung up", []event{{20 * time.Millisecond, ""}}, "", 20 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{said: make(chan string)}
				over := make(chan struct{})
				done := make(chan struct{})
				go func() {
					defer close(done)
					for _, e := range tt.events {
						time.Sleep(e.after)
						if e.said == "" {
							close(s.said)
							return
						}
						select {
						case s.said <- e.said:
						case <-over:
						}
					}
				}()
				begin := time.Now()
				var a answers
				ask(s, &a, "questions", near)
				if took := time.Since(begin); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if a.name != tt.want || s.asked.String() != "questions" {
					t.Errorf("asked %q, name %q; want questions, %q", s.asked.String(), a.name, tt.want)
				}
				close(over)
				<-done
			})
		})
	}
}

// TestAskRefused does not wait for the answers of a terminal that takes no
// questions.
func TestAskRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var a answers
		ask(&script{refuses: errors.New("stopped")}, &a, "questions", near)
		if took := time.Since(begin); took != 0 {
			t.Errorf("waited %v, want not at all", took)
		}
	})
}
