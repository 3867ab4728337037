// Package hub relays sealed packets between the members of a session.
//
// The hub sees the clear byte and the SFrame header of a packet and the two
// hashes of a pair message, never contents: this package must not import
// cipher or a codec, and TestLayers in the root package keeps it so.
package hub

import (
	"context"
	"log/slog"

	"github.com/sanix-darker/s2c/internal/transport"
)

// Config sets the limits of a hub. A zero field means its default.
type Config struct {
	Log        *slog.Logger // nil logs nothing
	Members    int          // members at once; 1000
	PerSession int          // members of one session; 64
	Sessions   int          // sessions at once; 500
}

// A Hub relays for many sessions. Call New.
type Hub struct{}

// New returns a Hub.
func New(Config) *Hub { panic("not built yet") }

// Serve accepts members from ln until ctx is done or ln fails. When ctx is
// done it tells every member that the hub closes and returns within 2 seconds,
// after all its goroutines have ended and ln is closed. It then returns nil.
func (h *Hub) Serve(ctx context.Context, ln transport.Listener) error { panic("not built yet") }

// Stats is what a hub has done so far.
type Stats struct {
	Members, Sessions int    // now
	Joined            uint64 // members ever
	Packets, Bytes    uint64 // sealed packets received
	Forwarded         uint64 // sealed packets handed to a member's connection
	Drops             map[string]uint64
}

// Stats may be called by any goroutine.
func (h *Hub) Stats() Stats { panic("not built yet") }
