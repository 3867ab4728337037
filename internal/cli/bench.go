package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/internal/hubload"
	"github.com/sanix-darker/s2c/internal/wire"
)

// benchFlags are the flags of the bench hub command.
type benchFlags struct {
	rooms, members, listeners int
	rates                     hubload.Rates
	seconds                   int
	loss                      float64 // percent
	tcp, asJSON               bool
}

func (e Env) bench() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "measure a hub",
		Args:  atMost(0, "s2c bench hub"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(e.benchHub())
	return cmd
}

func (e Env) benchHub() *cobra.Command {
	f := benchFlags{rates: hubload.Usual}
	cmd := &cobra.Command{
		Use:   "hub [HOST:PORT]",
		Short: "put load on a hub and print what it takes",
		Long: `Members in rooms send what looks like voice and pictures to a hub, which forwards
it to the others of their room. Without an address the hub is a process of its
own on this machine, alone on one processor, and its CPU time and memory are
printed too, on Linux. It ends with this one. The members are in this process and take
about as much of the machine as the hub does; delays count from member to member.

The memory of a member is that of the hub with all less that of the empty hub,
before anybody sends and after. What other programs take of the machine is printed
when it is more than a tenth of a processor: the delays are theirs as well then.

With an address, the hub must be yours: it is brought to its limits, and it must
allow as many members and joins from one address (s2c server -h). One with a door
wants its token in S2C_DOOR.`,
		Example: `  s2c bench hub                                   25 rooms of 10
  s2c bench hub --rooms 50 --seconds 30
  s2c bench hub --rooms 1 --members 3 --listeners 500
  s2c bench hub --loss 5 --json`,
		Args: atMost(1, "s2c bench hub [HOST:PORT]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return e.runBench(cmd.Context(), f, args)
		},
	}
	fl := cmd.Flags()
	fl.IntVar(&f.rooms, "rooms", 25, "sessions")
	fl.IntVar(&f.members, "members", 10, "members of each who send")
	fl.IntVar(&f.listeners, "listeners", 0, "members of each who only receive")
	fl.IntVar(&f.rates.Voice, "voice-rate", f.rates.Voice, "packets of voice a second from each")
	fl.IntVar(&f.rates.VoiceSize, "voice-size", f.rates.VoiceSize, "bytes of one")
	fl.IntVar(&f.rates.Video, "video-rate", f.rates.Video, "packets with pictures a second from each")
	fl.IntVar(&f.rates.VideoSize, "video-size", f.rates.VideoSize, "bytes of one")
	fl.IntVar(&f.seconds, "seconds", 10, "how long to measure")
	fl.Float64Var(&f.loss, "loss", 0, "percent of what comes that members lose; they ask for pictures again")
	fl.BoolVar(&f.tcp, "tcp", false, "no UDP: everything through TLS over TCP")
	fl.BoolVar(&f.asJSON, "json", false, "print JSON")
	return cmd
}

// check returns a usage error for what cannot work.
func (f *benchFlags) check() error {
	const example = "s2c bench hub --rooms 25 --members 10"
	bad := func(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...), example} }
	all := f.rooms * (f.members + f.listeners)
	switch r := f.rates; {
	case f.rooms < 1 || f.members < 1 || f.listeners < 0 || f.members+f.listeners < 2:
		return bad("%d rooms of %d members and %d listeners: want one room, and two in it, at least", f.rooms, f.members, f.listeners)
	case f.rooms > maxBench || f.members > maxBench || f.listeners > maxBench || all > maxBench:
		return bad("%d members are more than %d", all, maxBench)
	case r.Voice < 0 || r.Voice > 1000 || r.Video < 0 || r.Video > 1000 || r.Voice+r.Video == 0:
		return bad("%d and %d packets a second: want 1 to 1000 of one kind", r.Voice, r.Video)
	case min(r.VoiceSize, r.VideoSize) < hubload.LeastSize || max(r.VoiceSize, r.VideoSize) > wire.MaxDatagram:
		return bad("packets of %d and %d bytes: want %d to %d", r.VoiceSize, r.VideoSize, hubload.LeastSize, wire.MaxDatagram)
	case f.seconds < 1 || f.seconds > 3600:
		return bad("%d seconds: want 1 to 3600", f.seconds)
	case !(f.loss >= 0 && f.loss < 100):
		return bad("a loss of %v %%: want 0 to less than 100", f.loss)
	}
	return nil
}

// maxBench is how many members a benchmark has at most.
const maxBench = 10_000

// A benchResult is what a benchmark prints. What is not known is left out of the
// JSON.
type benchResult struct {
	Rooms     int     `json:"rooms"`
	Members   int     `json:"members"`
	JoinTime  float64 `json:"join_seconds"`
	Seconds   float64 `json:"seconds"`
	Sent      uint64  `json:"sent"`
	Expected  uint64  `json:"expected"`
	Forwarded uint64  `json:"forwarded"`
	Again     uint64  `json:"again"` // packets that had come before
	Lost      float64 `json:"lost"`  // share of what was expected
	P50       float64 `json:"delay_p50_ms"`
	P95       float64 `json:"delay_p95_ms"`
	P99       float64 `json:"delay_p99_ms"`
	Max       float64 `json:"delay_max_ms"`
	Load      float64 `json:"load_busy,omitempty"`   // share of one processor that the members took
	Others    float64 `json:"others_busy,omitempty"` // and other programs than these and the hub

	Hub *hubCost `json:"hub,omitempty"`
}

// hubCost is what a hub on this machine took.
type hubCost struct {
	CPU        float64 `json:"cpu_seconds"`
	PerMillion float64 `json:"cpu_seconds_per_million"`
	Busy       float64 `json:"busy"`           // share of one processor
	Idle       float64 `json:"idle_kB_member"` // resident, before anybody sends
	Loaded     float64 `json:"busy_kB_member"` // at the end
	Empty      float64 `json:"empty_hub_kB"`   // resident
}

func (e Env) runBench(ctx context.Context, f benchFlags, args []string) error {
	h, err := e.benched(ctx, args)
	if err != nil {
		return err
	}
	defer h.end()
	r, err := f.measure(ctx, h)
	if err != nil {
		return benchError(err)
	}
	if f.asJSON {
		return json.NewEncoder(e.Stdout).Encode(r)
	}
	_, err = io.WriteString(e.Stdout, r.text())
	return err
}

// benched returns the hub that the arguments name, or one that it starts.
func (e Env) benched(ctx context.Context, args []string) (*benchedHub, error) {
	if len(args) == 0 {
		return e.startBenchedHub(ctx)
	}
	addr, pin, err := pinnedAddress(args[0])
	if err != nil {
		return nil, err
	}
	h := new(benchedHub)
	known, err := e.knownHubs()
	if err != nil {
		return nil, err
	}
	if h.place.Door, err = e.door(new(secretFlags)); err != nil {
		return nil, err
	}
	if h.place.Dial.Proxy, err = e.proxy(addr); err != nil {
		return nil, err
	}
	h.place.Dial.Addr = addr
	h.place.Dial.Verify = func(key string) error { // called by several at once
		check := hubCheck{known: known, addr: addr, pin: pin}
		return check.verify(key)
	}
	return h, nil
}

// benchError adds to an error what to do about it.
func benchError(err error) error {
	hint := ""
	if r, ok := errors.AsType[*hubload.RefusedError](err); ok {
		switch r.Code {
		case wire.CodeHubFull, wire.CodeSessionFull:
			hint = "let the hub take more: s2c server --max-members N --max-session N --max-sessions N"
		case wire.CodeTooMany:
			hint = "let the hub take more from here: s2c server --max-members-per-address N --max-joins-per-minute N"
		case wire.CodeDenied:
			hint = "give the token of a hub with a door in " + envDoor + "; a benchmark's key is on nobody's list"
		default:
			hint = "see what the hub logs"
		}
		return &hinted{err, hint, exitRefused}
	}
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		hint = "a member takes two files here and one at the hub: ulimit -n 100000"
	case errors.Is(err, hubload.ErrNoUDP):
		hint = "open the port for UDP too, or measure without: --tcp"
	default:
		return err
	}
	return &hinted{err, hint, exitFailed}
}

// join has all members join, and returns the load that they are.
func (f *benchFlags) join(ctx context.Context, h *benchedHub) (*hubload.Load, error) {
	place := h.place
	var err error
	if place.Who, err = throwaway(); err != nil {
		return nil, err
	}
	place.Dial.NoUDP, place.Loss = f.tcp, f.loss/100
	perRoom := f.members + f.listeners
	own := fmt.Sprintf("bench-%08x-", rand.Uint32()) // another benchmark may go on at the same hub
	session := func(i int) string { return own + strconv.Itoa(i/perRoom) }
	ways, err := hubload.JoinAll(ctx, f.rooms*perRoom, func(ctx context.Context, i int) (hubload.Way, error) {
		p := place
		p.Session, p.Name = session(i), "member"+strconv.Itoa(i%perRoom)
		m, err := hubload.Join(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("member %d of room %d: %w", i%perRoom+1, i/perRoom+1, err)
		}
		return m, nil
	})
	if err != nil {
		return nil, err
	}
	load := hubload.New()
	for i, w := range ways {
		load.Add(w, session(i), i%perRoom < f.members)
	}
	return load, nil
}

// measure has members join, and send for some time.
func (f *benchFlags) measure(ctx context.Context, h *benchedHub) (*benchResult, error) {
	r := &benchResult{Rooms: f.rooms, Members: f.rooms * (f.members + f.listeners)}
	var cost hubCost
	cost.Empty = h.memory()
	begin := time.Now()
	load, err := f.join(ctx, h)
	if err != nil {
		return nil, err
	}
	defer load.Close()
	r.JoinTime = time.Since(begin).Seconds()
	idle, err := h.settled(ctx)
	if err != nil {
		return nil, err
	}
	var used cpuUsed
	res, err := load.Run(ctx, f.rates, time.Duration(f.seconds)*time.Second,
		func() { used = h.used() }, func() { used = h.used().less(used) })
	if err != nil {
		return nil, err
	}
	if res.Received == 0 {
		return nil, errors.New("nothing arrives: the hub forwards no packet")
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	r.Seconds, r.Sent, r.Expected, r.Forwarded, r.Again, r.Lost = res.Took.Seconds(), res.Sent, res.Expected, res.Received, res.Again, res.Lost()
	r.P50, r.P95, r.P99 = ms(res.Delays.Quantile(0.5)), ms(res.Delays.Quantile(0.95)), ms(res.Delays.Quantile(0.99))
	r.Max = ms(res.Delays.Max())
	r.Load = used.load.Seconds() / r.Seconds
	if used.hub > 0 {
		r.Others = used.others().Seconds() / r.Seconds
		cost.CPU = used.hub.Seconds()
		cost.PerMillion = cost.CPU / float64(res.Received) * 1e6
		cost.Busy = cost.CPU / r.Seconds
		cost.Idle = (idle - cost.Empty) / float64(r.Members)
		cost.Loaded = (h.memory() - cost.Empty) / float64(r.Members)
		r.Hub = &cost
	}
	return r, nil
}

// othersMost is which share of a processor other programs may take without a word.
const othersMost = 0.1

// text returns what people read.
func (r *benchResult) text() string {
	s := fmt.Sprintf(`members     %d in %d rooms, joined in %.1f s (%.0f a second)
sent        %d packets, %.0f a second
forwarded   %.3f million, %.0f a second
lost        %.3f %%
delay       p50 %.1f, p95 %.1f, p99 %.1f, most %.1f ms
`,
		r.Members, r.Rooms, r.JoinTime, float64(r.Members)/r.JoinTime, r.Sent, float64(r.Sent)/r.Seconds,
		float64(r.Forwarded)/1e6, float64(r.Forwarded)/r.Seconds, 100*r.Lost, r.P50, r.P95, r.P99, r.Max)
	if h := r.Hub; h != nil {
		s += fmt.Sprintf(`hub CPU     %.2f s, %.0f %% of a processor, %.2f s for a million forwarded
hub memory  %.0f KB empty, and for each member %.0f KB before anybody sends, %.0f KB after
`,
			h.CPU, 100*h.Busy, h.PerMillion, h.Empty, h.Idle, h.Loaded)
	}
	if r.Load > 0 {
		s += fmt.Sprintf("load CPU    %.0f %% of a processor\n", 100*r.Load)
	}
	if r.Others > othersMost {
		s += fmt.Sprintf("others      %.0f %% of a processor: the delays are theirs as well\n", 100*r.Others)
	}
	return s
}
