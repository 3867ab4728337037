package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/hub"
	"github.com/sanix-darker/s2c/internal/metrics"
	"github.com/sanix-darker/s2c/internal/transport"
)

// startMetrics answers at addr with the figures of h and hop and whether it is well,
// which it is not any more once it drains or ctx is done. It returns the
// address that it listens on. stop ends it, and waits for it.
func startMetrics(ctx context.Context, log *slog.Logger, h *hub.Hub, hop *transport.HubListener, addr string) (where string, stop func(), err error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return "", nil, &hinted{
			fmt.Errorf("listen for metrics on %q: %w", addr, err),
			"another program has the port, or the rights are missing; choose an address with --metrics", exitFailed,
		}
	}
	start := time.Now()
	c := metrics.Config{
		Append: func(b []byte) []byte {
			return appendHub(metrics.AppendProcess(b, "s2c_", start), h.Stats(), hop.Unsent())
		},
		Draining: func() bool { return h.Draining() || ctx.Err() != nil },
		Log:      log,
	}
	// It outlives ctx: while the hub says goodbye it still answers.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := metrics.Serve(running, ln, c); err != nil {
			log.Error("no metrics any more, the hub goes on", "err", err)
		}
	})
	return ln.Addr().String(), func() { cancel(); wg.Wait() }, nil
}

// appendHub appends what a hub has done. It must not tell sessions or people
// apart: a graph of that would show who talks with whom.
func appendHub(b []byte, s hub.Stats, unsent uint64) []byte {
	draining := 0.0
	if s.Draining {
		draining = 1
	}
	for _, g := range []struct {
		name, help string
		value      float64
	}{
		{"s2c_sessions", "Sessions with members in them. No figure tells sessions or people apart.", float64(s.Sessions)},
		{"s2c_members", "Members of all sessions.", float64(s.Members)},
		{"s2c_members_away", "Of these, members whose connection is broken and whose place is kept for some seconds.", float64(s.Away)},
		{"s2c_members_limited", "Members to whom the path is found to take no more than so much; pictures make way.", float64(s.Limited)},
		{"s2c_members_silent", "Members who do not report any more what comes, and are sent little until they do.", float64(s.Silent)},
		{"s2c_draining", "1 while the hub takes nobody new and waits for its members to leave, otherwise 0.", draining},
	} {
		b = metrics.AppendGauge(b, g.name, g.help, g.value)
	}
	for _, c := range []struct {
		name, help string
		value      uint64
	}{
		{"s2c_joins_total", "Members who have joined.", s.Joined},
		{"s2c_resumes_total", "Places that their members took over with another connection.", s.Resumed},
		{"s2c_packets_received_total", "Sealed packets received from members.", s.Packets},
		{"s2c_received_bytes_total", "Bytes of these packets, without the headers of the network.", s.Bytes},
		{"s2c_packets_forwarded_total", "Packets handed to connections of members, one for each receiver; see s2c_process_cpu_seconds_total for what each costs.", s.Forwarded},
		{"s2c_packets_resent_total", "Of these, pictures that a member had lost and asked for again.", s.Resent},
		{"s2c_packets_unsent_total", "UDP packets, of one datagram or several, that the system did not take.", unsent},
	} {
		b = metrics.AppendCounter(b, c.name, c.help, float64(c.value))
	}
	b = metrics.AppendCounters(b, "s2c_drops_total", "Packets and messages that were not relayed, by reason.", "reason", s.Drops)
	return metrics.AppendCounters(b, "s2c_refusals_total", "Connections that ended before they were members', by what they were told.", "reason", s.Refused)
}
