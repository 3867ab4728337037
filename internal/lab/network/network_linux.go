package network

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
)

const (
	namespaces = "/run/netns/" // where "ip netns" keeps names
	prefix     = "s2clab-"     // of the names of ours, followed by the process and a number
	subnet     = "10.77.0."
	maxHosts   = 100
)

// made counts the networks of this process.
var made atomic.Int64

// A Net is a number of hosts joined by a wire. Its methods may be called by any
// goroutine. Naming a host that does not exist is a panic.
type Net struct {
	ip    string // the program
	ours  string // beginning of the names of our namespaces
	hosts map[string]int
	wire  *wire
}

// New makes a network of hosts with the given names, of letters, digits and "-",
// and starts its wire. ctx bounds the making alone. Networks of processes that
// have died are removed. The caller must call Close.
func New(ctx context.Context, names ...string) (*Net, error) {
	n := &Net{ours: fmt.Sprintf("%s%d-%d-", prefix, os.Getpid(), made.Add(1)), hosts: make(map[string]int)}
	if len(names) > maxHosts {
		return nil, fmt.Errorf("make network: %d hosts are more than %d", len(names), maxHosts)
	}
	for i, name := range names {
		if _, twice := n.hosts[name]; twice || !isName(name) {
			return nil, fmt.Errorf("make network: %q cannot be the name of a host", name)
		}
		n.hosts[name] = i
	}
	var err error
	if n.ip, err = exec.LookPath("ip"); err != nil {
		return nil, fmt.Errorf("make network: %w: install iproute2", err)
	}
	if os.Getuid() != 0 {
		return nil, errors.New("make network: namespaces need the rights of root")
	}
	n.sweep(ctx)
	if err := n.build(ctx, names); err != nil {
		return nil, errors.Join(fmt.Errorf("make network: %w", err), n.remove())
	}
	links := make([]string, len(names))
	for i := range links {
		links[i] = link(i)
	}
	if n.wire, err = startWire(n.namespace(far), links); err != nil {
		return nil, errors.Join(fmt.Errorf("make network: %w", err), n.remove())
	}
	return n, nil
}

// far is what stands for a host's name in that of the namespace with the far ends.
const far = "+wire"

func isName(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

func (n *Net) namespace(name string) string { return n.ours + name }

func link(i int) string { return "w" + strconv.Itoa(i) }

func address(i int) string { return subnet + strconv.Itoa(i+1) }

func hardwareAddress(i int) string { return fmt.Sprintf("02:00:00:00:00:%02x", i+1) }

// build makes namespaces and links.
func (n *Net) build(ctx context.Context, names []string) error {
	all := []string{"netns add " + n.namespace(far)}
	inWire := []string{"link set lo up"}
	for i, name := range names {
		all = append(all,
			"netns add "+n.namespace(name),
			fmt.Sprintf("link add %s netns %s type veth peer name eth0 address %s netns %s",
				link(i), n.namespace(far), hardwareAddress(i), n.namespace(name)))
		inWire = append(inWire, fmt.Sprintf("link set %s addrgenmode none up", link(i)))
	}
	if err := n.run(ctx, all); err != nil {
		return err
	}
	if err := n.run(ctx, inWire, "-n", n.namespace(far)); err != nil {
		return err
	}
	for i, name := range names {
		lines := []string{
			"link set lo up",
			// No packet of 64 KB for a card that would cut it: a loss is one of
			// what travels.
			"link set eth0 addrgenmode none gso_max_segs 1 up",
			fmt.Sprintf("addr add %s/24 dev eth0", address(i)),
			"route add default dev eth0",
		}
		for j := range names {
			if j != i {
				lines = append(lines, fmt.Sprintf("neigh add %s lladdr %s dev eth0 nud permanent", address(j), hardwareAddress(j)))
			}
		}
		if err := n.run(ctx, lines, "-n", n.namespace(name)); err != nil {
			return err
		}
	}
	return nil
}

// run runs lines of commands of ip.
func (n *Net) run(ctx context.Context, lines []string, args ...string) error {
	cmd := exec.CommandContext(ctx, n.ip, append(args, "-batch", "-")...)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// sweep removes what processes that have died have left behind.
func (n *Net) sweep(ctx context.Context) {
	list, err := os.ReadDir(namespaces)
	if err != nil {
		return // there was never any
	}
	for _, e := range list {
		rest, ours := strings.CutPrefix(e.Name(), prefix)
		pid, _, _ := strings.Cut(rest, "-")
		if _, err := strconv.Atoi(pid); !ours || err != nil {
			continue
		}
		if _, err := os.Stat("/proc/" + pid); err != nil {
			_ = n.run(ctx, []string{"netns del " + e.Name()}) // another sweep may be quicker
		}
	}
}

// remove removes the namespaces, and the links with them.
func (n *Net) remove() error {
	var errs []error
	list, err := os.ReadDir(namespaces)
	if err != nil {
		return err
	}
	for _, e := range list {
		if strings.HasPrefix(e.Name(), n.ours) {
			errs = append(errs, n.run(context.Background(), []string{"netns del " + e.Name()}))
		}
	}
	return errors.Join(errs...)
}

// Close ends the wire and removes the hosts. What still runs on them should have
// ended; it is alone from now on.
func (n *Net) Close() error {
	n.wire.close()
	return n.remove()
}

// host returns the number of a host.
func (n *Net) host(name string) int {
	i, ok := n.hosts[name]
	if !ok {
		panic(fmt.Sprintf("network: internal error: no host %q", name))
	}
	return i
}

// Addr returns the IPv4 address of a host, without a port.
func (n *Net) Addr(name string) string { return address(n.host(name)) }

// Set changes paths of a host for the frames that come from now on, and begins
// their losses and jitter anew. A shape that makes no sense is a panic.
func (n *Net) Set(name string, d Direction, s Shape) {
	i := n.host(name)
	if err := s.check(); err != nil {
		panic("network: internal error: " + err.Error())
	}
	n.wire.mu.Lock()
	defer n.wire.mu.Unlock()
	if d&Up != 0 {
		n.wire.up[i].set(s)
	}
	if d&Down != 0 {
		s.Seed ^= 1 << 63 // not the same losses both ways
		n.wire.down[i].set(s)
	}
}

// Rebind does to a host what a home router does that has lost its memory: seen
// from the others, its UDP sockets have other ports from now on, and what is sent
// to those before goes nowhere. The first datagram from inside opens each.
func (n *Net) Rebind(name string) {
	i := n.host(name)
	n.wire.mu.Lock()
	defer n.wire.mu.Unlock()
	n.wire.nats[i].rebind()
}

// Counters returns what happened on the paths of a host so far.
func (n *Net) Counters(name string) (up, down Counters) {
	i := n.host(name)
	n.wire.mu.Lock()
	defer n.wire.mu.Unlock()
	return n.wire.up[i].counts, n.wire.down[i].counts
}

// Fidelity returns how well the wire has kept to its shapes since the last call.
func (n *Net) Fidelity() (f Fidelity) {
	n.wire.mu.Lock()
	defer n.wire.mu.Unlock()
	f, n.wire.fidelity = n.wire.fidelity, f
	return f
}

// Command changes a command that has not been started, so that it runs on a host.
// Its process is the program itself, to be signalled and counted as any other.
func (n *Net) Command(name string, cmd *exec.Cmd) {
	n.host(name)
	cmd.Args = append([]string{n.ip, "netns", "exec", n.namespace(name), cmd.Path}, cmd.Args[1:]...)
	cmd.Path = n.ip
}
