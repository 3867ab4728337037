package cli

import (
	"strings"
	"testing"
)

func TestBenchText(t *testing.T) {
	r := benchResult{
		Rooms: 25, Members: 250, JoinTime: 2, Seconds: 10, Sent: 175_000, Forwarded: 1_575_000, Lost: 0.0001, P50: 3.5, P95: 8.2, P99: 10.8, Max: 15.9,
		Hub: &hubCost{CPU: 5.14, PerMillion: 3.26, Busy: 0.51, Idle: 63, Loaded: 141, Empty: 13693},
	}
	want := `members     250 in 25 rooms, joined in 2.0 s (125 a second)
sent        175000 packets, 17500 a second
forwarded   1.575 million, 157500 a second
lost        0.010 %
delay       p50 3.5, p95 8.2, p99 10.8, most 15.9 ms
hub CPU     5.14 s, 51 % of a processor, 3.26 s for a million forwarded
hub memory  13693 KB empty, and for each member 63 KB before anybody sends, 141 KB after
`
	if got := r.text(); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
	r.Hub = nil
	if got := r.text(); strings.Contains(got, "hub") {
		t.Errorf("of somebody else's hub: %s", got)
	}
}
