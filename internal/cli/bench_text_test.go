package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sanix-darker/s2c/internal/hubload"
	"github.com/sanix-darker/s2c/internal/wire"
)

func TestBenchText(t *testing.T) {
	r := benchResult{
		Rooms: 25, Members: 250, JoinTime: 2, Seconds: 10, Sent: 175_000, Forwarded: 1_575_000, Lost: 0.0001, P50: 3.5, P95: 8.2, P99: 10.8, Max: 15.9,
		Load: 0.482, Others: 0.1,
		Hub: &hubCost{CPU: 5.14, PerMillion: 3.26, Busy: 0.51, Idle: 63, Loaded: 141, Empty: 13693},
	}
	want := `members     250 in 25 rooms, joined in 2.0 s (125 a second)
sent        175000 packets, 17500 a second
forwarded   1.575 million, 157500 a second
lost        0.010 %
delay       p50 3.5, p95 8.2, p99 10.8, most 15.9 ms
hub CPU     5.14 s, 51 % of a processor, 3.26 s for a million forwarded
hub memory  13693 KB empty, and for each member 63 KB before anybody sends, 141 KB after
load CPU    48 % of a processor
`
	if got := r.text(); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
	r.Hub, r.Others, r.Load = nil, 0.6, 0
	if got := r.text(); strings.Contains(got, "hub") || strings.Contains(got, "load") || !strings.HasSuffix(got, "\nothers      60 % of a processor: the delays are theirs as well\n") {
		t.Errorf("of somebody else's hub, beside other programs: %s", got)
	}
}

func TestBenchError(t *testing.T) {
	for _, test := range []struct {
		err  error
		code int
		hint string
	}{
		{&hubload.RefusedError{Code: wire.CodeHubFull}, exitRefused, "--max-members N"},
		{&hubload.RefusedError{Code: wire.CodeSessionFull}, exitRefused, "--max-session N"},
		{&hubload.RefusedError{Code: wire.CodeTooMany}, exitRefused, "--max-joins-per-minute N"},
		{&hubload.RefusedError{Code: wire.CodeDenied}, exitRefused, "S2C_DOOR"},
		{&hubload.RefusedError{Code: wire.CodeClosing}, exitRefused, "logs"},
		{syscall.EMFILE, exitFailed, "ulimit -n"},
		{hubload.ErrNoUDP, exitFailed, "--tcp"},
		{context.Canceled, exitInterrupted, ""},
		{errors.New("something else"), exitFailed, ""},
	} {
		err := benchError(fmt.Errorf("member 1 of room 2: %w", test.err))
		code, hint := classify(err)
		if code != test.code || !strings.Contains(hint, test.hint) || test.hint == "" && hint != "" {
			t.Errorf("%v: %v, code %d, hint %q, want code %d, hint with %q", test.err, err, code, hint, test.code, test.hint)
		}
	}
}

// What somebody has set for hubs, or for members, is not for the hub of a benchmark.
func TestBenchEnv(t *testing.T) {
	old := []string{"HOME=/h", "S2C_TCP=1", "S2C_STATE=/old", "GOMAXPROCS=8", "S2C_HUB_DOOR=1", "XS2C_=1"}
	want := []string{"HOME=/h", "GOMAXPROCS=8", "XS2C_=1", "S2C_STATE=/new", "S2C_CONFIG=/new", "GOMAXPROCS=1"}
	if got := benchEnv(old, "/new"); !slices.Equal(got, want) || old[1] != "S2C_TCP=1" {
		t.Errorf("benchEnv(%q) = %q, want %q", old, got, want)
	}
}
