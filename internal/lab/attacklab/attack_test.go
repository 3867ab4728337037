package main

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/hub"
	"github.com/sanix-darker/s2c/internal/transport"
)

// TestMembers asks a hub what members did to it who misbehave for some seconds: a row
// is worth nothing if they are not in the call any more.
func TestMembers(t *testing.T) {
	who, err := identity.Generate()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		run    func(context.Context, *target)
		joined uint64 // who have
		stay   bool   // nobody was ended
		drops  string // of which there must be some; "" for none
	}{
		{"never-reads", neverReads, 1, true, ""},
		{"thin-link", thinLink, 2, true, ""},
		{"spoofed", spoofed, 1, true, "forged"},
		{"flood", flood, 2, false, "flood"},
		{"bursts", bursts, 1, true, "flood"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			key, err := transport.NewHubKey()
			if err != nil {
				t.Fatal(err)
			}
			ln, err := transport.Listen(transport.ListenConfig{Addr: "127.0.0.1:0", Key: key})
			if err != nil {
				t.Fatal(err)
			}
			h := hub.New(hub.Config{})
			serving, stop := context.WithCancel(context.Background())
			served := make(chan error, 1)
			go func() { served <- h.Serve(serving, ln) }() // received from below
			defer func() { stop(); <-served }()

			x := &target{addr: ln.Addr(), session: session, who: who}
			acting, end := context.WithCancel(t.Context())
			var acts sync.WaitGroup
			acts.Go(func() { tt.run(acting, x) })
			pause(acting, 2500*time.Millisecond)
			during := h.Stats()
			end()
			acts.Wait()
			s := h.Stats()
			if during.Joined < tt.joined {
				t.Errorf("%d joined, want %d at least", during.Joined, tt.joined)
			}
			if tt.stay && (during.Members != int(tt.joined) || during.Joined != tt.joined || x.refused.Load() != 0) {
				t.Errorf("%d joined, %d are in and %d were ended, want %d, as many and none",
					during.Joined, during.Members, x.refused.Load(), tt.joined)
			}
			if tt.drops != "" && s.Drops[tt.drops] == 0 {
				t.Errorf("the hub has dropped %v, want some for %q", s.Drops, tt.drops)
			}
			if s.Packets > x.did.Load() {
				t.Errorf("%d packets came, and %d were sent", s.Packets, x.did.Load())
			}
		})
	}
}
