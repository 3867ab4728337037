package cli

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/sanix-darker/s2c/hub"
)

// drainFirst has h drain when this process gets SIGTERM, which no longer ends
// it. The context that it returns is done once h is empty, once that has taken
// longer than limit, when SIGTERM comes again, and when ctx is done. stop must
// be called; it waits for what this has started.
func drainFirst(ctx context.Context, log *slog.Logger, h *hub.Hub, limit time.Duration) (ended context.Context, stop func()) {
	term := make(chan os.Signal, 1)
	signal.Reset(syscall.SIGTERM) // whoever wanted to end with it
	signal.Notify(term, syscall.SIGTERM)
	ended, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		defer signal.Stop(term) // from here on SIGTERM kills, as it does after SIGINT
		select {
		case <-ended.Done():
			return
		case <-term:
		}
		empty := h.Drain()
		log.Info("hub drains, nobody new is let in", "members", h.Stats().Members, "limit", limit)
		late := time.NewTimer(limit)
		defer late.Stop()
		why := ""
		select {
		case <-empty:
			why = "all have left"
		case <-late.C:
			why = "the time is over"
		case <-term:
			why = "asked to a second time"
		case <-ended.Done():
			why = "interrupted"
		}
		log.Info("hub ends", "why", why, "members", h.Stats().Members)
	})
	return ended, func() { cancel(); wg.Wait() }
}
