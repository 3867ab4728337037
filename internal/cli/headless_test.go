package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
)

// TestStatsEvent checks what the figures say of hands and of who is not heard.
func TestStatsEvent(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	s := call.State{Self: call.Member{Hand: true, Deaf: true}, Members: []call.Member{
		{Slot: 1, Name: "bob", Hand: true, HandAt: at, MutedHere: true, Deaf: true, Down: 1.5},
		{Slot: 2, Name: "cat"},
	}}
	b, err := json.Marshal(statsEvent(&s, at))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"hand":true,"deafened":true}`, // one's own
		`"muted_here":true,"deafened":true,"hand":true,"hand_at":"2026-03-04T05:06:07.000Z","down_kB_s":1.5`,
		`"muted_here":false,"deafened":false,"hand":false,"down_kB_s":0`,
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s\nhas no %s", b, want)
		}
	}
}
