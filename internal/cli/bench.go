package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/internal/hubload"
	"github.com/sanix-darker/s2c/internal/transport"
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
own on this machine, with one processor, whose CPU time and memory are printed
too, on Linux. The members are in this process and take about as much of the
machine as the hub does.

With an address, the hub must be yours: it is brought to its limits, and it must
allow as many members and joins from one address (s2c server -h).`,
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
	Forwarded uint64  `json:"forwarded"`
	Lost      float64 `json:"lost"` // share
	P50       float64 `json:"delay_p50_ms"`
	P95       float64 `json:"delay_p95_ms"`
	P99       float64 `json:"delay_p99_ms"`
	Max       float64 `json:"delay_max_ms"`

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
	h := new(benchedHub)
	if len(args) > 0 {
		addr, pin, err := pinnedAddress(args[0])
		if err != nil {
			return err
		}
		known, err := e.knownHubs()
		if err != nil {
			return err
		}
		check := hubCheck{known: known, addr: addr, pin: pin}
		h.addr, h.verify = addr, check.verify
	} else {
		var err error
		if h, err = e.startBenchedHub(ctx); err != nil {
			return err
		}
		defer h.end()
	}
	r, err := f.measure(ctx, h)
	if err != nil {
		return err
	}
	if f.asJSON {
		return json.NewEncoder(e.Stdout).Encode(r)
	}
	_, err = io.WriteString(e.Stdout, r.text())
	return err
}

// measure has members join, and send for some time.
func (f *benchFlags) measure(ctx context.Context, h *benchedHub) (*benchResult, error) {
	who, err := identity.Generate()
	if err != nil {
		return nil, err
	}
	r := &benchResult{Rooms: f.rooms, Members: f.rooms * (f.members + f.listeners)}
	var cost hubCost
	empty := h.memory()
	load := hubload.New()
	defer load.Close()
	begin := time.Now()
	for room := range f.rooms {
		session := "bench" + strconv.Itoa(room)
		for i := range f.members + f.listeners {
			m, err := hubload.Join(ctx, hubload.Place{
				Dial: transport.DialConfig{Addr: h.addr, Verify: h.verify, NoUDP: f.tcp},
				Who:  who, Session: session, Name: "member" + strconv.Itoa(i), Loss: f.loss / 100,
			})
			if err != nil {
				return nil, fmt.Errorf("member %d of room %d: %w", i+1, room+1, err)
			}
			load.Add(m, session, i < f.members)
		}
	}
	r.JoinTime = time.Since(begin).Seconds()
	cost.Idle = (h.memory() - empty) / float64(r.Members)
	var used time.Duration
	res, err := load.Run(ctx, f.rates, time.Duration(f.seconds)*time.Second,
		func() { used = -h.cpu() }, func() { used += h.cpu() })
	if err != nil {
		return nil, err
	}
	if res.Received == 0 {
		return nil, errors.New("nothing arrives: the hub forwards no packet")
	}
	ms := func(q float64) float64 { return float64(res.Delays.Quantile(q).Microseconds()) / 1000 }
	r.Seconds, r.Sent, r.Forwarded, r.Lost = res.Took.Seconds(), res.Sent, res.Received, max(0, res.Lost())
	r.P50, r.P95, r.P99, r.Max = ms(0.5), ms(0.95), ms(0.99), ms(1)
	if h.pid != 0 && used > 0 {
		cost.Empty, cost.CPU = empty, used.Seconds()
		cost.PerMillion = cost.CPU / float64(res.Received) * 1e6
		cost.Busy = cost.CPU / r.Seconds
		cost.Loaded = (h.memory() - empty) / float64(r.Members)
		r.Hub = &cost
	}
	return r, nil
}

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
	return s
}

// A benchedHub is the hub that is measured.
type benchedHub struct {
	addr   string
	verify func(fingerprint string) error
	pid    int // 0 for one that is not ours
	cmd    *exec.Cmd
	dir    string
	drain  sync.WaitGroup // of its output
}

// startBenchedHub starts a hub in a process of its own.
func (e Env) startBenchedHub(ctx context.Context) (_ *benchedHub, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start a hub: %w", err)
	}
	h := &benchedHub{verify: func(string) error { return nil }}
	if h.dir, err = os.MkdirTemp("", "s2c-bench"); err != nil {
		return nil, fmt.Errorf("start a hub: %w", err)
	}
	limit := strconv.Itoa(2 * maxBench)
	h.cmd = exec.CommandContext(ctx, exe, "server", "--address", "127.0.0.1", "--port", "0",
		"--max-members", limit, "--max-session", limit, "--max-sessions", limit,
		"--max-members-per-address", limit, "--max-joins-per-minute", strconv.Itoa(maxLimit))
	h.cmd.Env = append(os.Environ(), "S2C_STATE="+h.dir, "S2C_CONFIG="+h.dir, "GOMAXPROCS=1")
	h.cmd.Cancel = func() error { return h.cmd.Process.Signal(os.Interrupt) }
	h.cmd.WaitDelay = 3 * time.Second
	endWithParent(h.cmd)
	out, err := h.cmd.StderrPipe()
	if err == nil {
		err = h.cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start a hub: %w", err), os.RemoveAll(h.dir))
	}
	h.pid = h.cmd.Process.Pid
	lines := bufio.NewReader(out)
	for h.addr == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			h.end()
			return nil, fmt.Errorf("start a hub: it ended: %q", line)
		}
		if a, ok := strings.CutPrefix(line, "s2c: hub on "); ok {
			h.addr = strings.TrimSpace(a)
		}
	}
	h.drain.Go(func() { _, _ = io.Copy(io.Discard, lines) }) // ends with the hub
	return h, nil
}

// end ends the hub and removes what it kept.
func (h *benchedHub) end() {
	_ = h.cmd.Process.Signal(os.Interrupt)
	stuck := time.AfterFunc(5*time.Second, func() { _ = h.cmd.Process.Kill() })
	defer stuck.Stop()
	h.drain.Wait()
	_ = h.cmd.Wait() // ended by our signal
	_ = os.RemoveAll(h.dir)
}

// cpu returns the CPU time that the hub has used, 0 if that is not known.
func (h *benchedHub) cpu() time.Duration {
	t, _ := hubload.CPUTime(h.pid)
	return t
}

// memory returns the resident memory of the hub in KB, 0 if that is not known.
func (h *benchedHub) memory() float64 {
	n, _ := hubload.Memory(h.pid)
	return float64(n) / 1000
}
