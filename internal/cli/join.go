package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpproxy"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/hub"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/command"
	"github.com/sanix-darker/s2c/internal/text"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/ui"
)

// dialTimeout bounds the time to reach a hub.
const dialTimeout = 8 * time.Second

// joinFlags are the flags of the join command.
type joinFlags struct {
	session string
	name    string
	tcp     bool
	who     identityFlags
	secrets secretFlags
	policy  policyFlags
	deviceFlags
	screenFlags
}

func (e Env) join() *cobra.Command {
	var f joinFlags
	cmd := &cobra.Command{
		Use:   "join -s SESSION -c NAME [HOST[:PORT]]",
		Short: "join a session with camera and voice",
		Long: `Join a session at a hub under a name. Without an address a hub is started inside
this process, and the line that others type to join is printed.

Everything is sealed end to end: the hub forwards what it cannot open. You are
known to others by your key (see s2c key), and the screen shows who is new and
whose key has changed. With -k, the session has a passphrase as well: those who
do not know it neither hear nor see you, nor you them.

A device is named as "auto" (the system's choice), "none", "test" (a moving test
card, a test voice, a speaker that discards), by its path or a part of its name,
or is a file: a .y4m clip or anything FFmpeg reads for --camera, a .wav file for
--mic and --speaker. What is missing is said once, and the call goes on.
Before your first call a page shows your picture and the level of your voice.

Where a PulseAudio or PipeWire server can, it takes out of the microphone what the
speaker plays, and noise, and evens out the loudness; elsewhere use a headset.

With --plain, and where TERM is dumb, the call is told as lines of text, which suits
screen readers: who joins, leaves, speaks and writes. What you type is said, /help
lists the commands, and your camera stays off unless you name one.

With --headless, what happens is printed as JSON lines, and commands are taken from
standard input, one a line, as s2c ctl -h lists them. The end of the input does not
end the call.

With HTTPS_PROXY in the environment the hub is reached through that HTTP proxy,
over TLS alone, unless NO_PROXY names it.

Each flag may come from the environment too, as S2C_ and its name in capitals
with _ for -: S2C_LOOK=half. A flag wins, and both win over what was chosen in
calls before, which is in settings.json beside the identity.

Secrets are never arguments. They come from the terminal, from files, or from
S2C_PASS (the session's passphrase), S2C_KEY_PASS (that of your key) and S2C_DOOR
(the hub's door token).`,
		Example: `  s2c join -s session1 -c darker host:1122
  s2c join -s session1 -c darker                            be the hub too
  s2c join -s session1 -c darker 'host#SHA256:...'          at the hub with this key only
  s2c join -k -s session1 -c darker host                    with a passphrase
  s2c join -s session1 -c darker -i ~/.ssh/id_rsa host      as who you are to SSH
  s2c join -s session1 -c darker --policy known host        only people met before
  s2c join -s session1 -c darker --camera none host         voice only
  s2c join -s session1 -c bot --headless --mic hello.wav host`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := f.secrets.check(args); err != nil {
				return err
			}
			return atMost(1, "s2c join -s session1 -c darker host:1122")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := e.flagsFromEnvironment(cmd); err != nil {
				return err
			}
			e.choosePlain(&f.screenFlags, &f.deviceFlags, cmd)
			return e.runJoin(cmd.Context(), f, args)
		},
	}
	fl := cmd.Flags()
	fl.StringVarP(&f.session, "session", "s", "", "`name` of the session: letters, digits, '-', '_', '.'")
	fl.StringVarP(&f.name, "name", "c", "", "your `name`, as others see it")
	fl.BoolVar(&f.tcp, "tcp", false, "no UDP: everything through TLS over TCP")
	f.who.add(cmd)
	f.secrets.add(cmd)
	f.policy.add(cmd)
	f.deviceFlags.add(cmd)
	f.screenFlags.add(cmd)
	fl.BoolVar(&f.noSetup, "no-setup", false, "no page with your picture and the level of your voice before the first call")
	fl.BoolVar(&f.noCtl, "no-ctl", false, "no socket by which s2c ctl steers the call")
	return cmd
}

// check returns a usage error for what cannot work.
func (f *joinFlags) check() error {
	const example = "s2c join -s session1 -c darker host:1122"
	if f.session == "" {
		return &usageError{errors.New("a session is needed"), example}
	}
	if f.name == "" {
		return &usageError{errors.New("a name is needed"), example}
	}
	if err := hello.CheckSession(f.session); err != nil {
		return &usageError{fmt.Errorf("session %q: %w", f.session, err), example}
	}
	if err := text.CheckName(f.name); err != nil {
		return &usageError{fmt.Errorf("name %q: %w", f.name, err), example}
	}
	if err := f.who.check(); err != nil {
		return err
	}
	if err := f.policy.check(); err != nil {
		return err
	}
	return f.screenFlags.check()
}

func (e Env) runJoin(ctx context.Context, f joinFlags, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	if err := harden(); err != nil {
		e.say("other programs of yours may read the keys in memory: %v", err)
	}
	addr, pin := "", ""
	if len(args) > 0 {
		var err error
		if addr, pin, err = pinnedAddress(args[0]); err != nil {
			return err
		}
	}
	cfg := call.Config{Session: f.session, Name: f.name}
	madePass, err := e.secure(ctx, &f, &cfg)
	if err != nil {
		return err
	}
	hint := ""
	if addr == "" {
		h, err := e.ownHub(ctx, f)
		if err != nil {
			return err
		}
		defer h.close()
		addr = h.addr
		hint = invite(&cfg, h.others)
		f.invite.Line, f.hosting = hint, true
	} else if madePass {
		hint = invite(&cfg, addr)
	}
	if hint != "" {
		e.say("others join with: %s", hint)
	}
	if madePass {
		e.say("and type the passphrase: %s", cfg.Passphrase)
		hint += "   passphrase: " + cfg.Passphrase
	}
	if cfg.Dial, err = e.dialer(addr, pin, f.tcp); err != nil {
		return err
	}
	f.invite.Passphrase = cfg.Passphrase
	if f.invite.Line == "" {
		f.invite.Line = invite(&cfg, addr) // for who asks
	}
	if f.plain && hint == "" {
		hint = f.invite.Line
	}
	return e.takePart(ctx, cfg, f.deviceFlags, f.screenFlags, hint)
}

// secure fills in who the person is and who may hear them. madePass says that
// the passphrase is a new one.
func (e Env) secure(ctx context.Context, f *joinFlags, cfg *call.Config) (madePass bool, err error) {
	if cfg.Policy, cfg.Allow, err = f.policy.open(); err != nil {
		return false, err
	}
	if cfg.Peers, err = e.peers(); err != nil {
		return false, err
	}
	if cfg.Door, err = e.door(&f.secrets); err != nil {
		return false, err
	}
	if cfg.Identity, err = e.identity(ctx, &f.who, f.name); err != nil {
		return false, err
	}
	cfg.Passphrase, madePass, err = e.passphrase(ctx, &f.secrets)
	return madePass, err
}

// invite returns what others type to join the session of cfg at addr.
func invite(cfg *call.Config, addr string) string {
	ask := ""
	if cfg.Passphrase != "" {
		ask = "-k "
	}
	return fmt.Sprintf("s2c join %s-s %s -c NAME %s", ask, cfg.Session, addr)
}

// pinnedAddress takes "host:port#SHA256:..." apart, which a careful owner of a
// hub hands out: the address, and the fingerprint of its key, "" without one.
func pinnedAddress(s string) (addr, pin string, err error) {
	s, pin, pinned := strings.Cut(s, "#")
	if pinned {
		if _, err := hello.ParseFingerprint(pin); err != nil { // a hub's has the same form
			return "", "", &usageError{err, "s2c join -s session1 -c darker 'host:1122#SHA256:...', as the hub prints its key"}
		}
	}
	addr, err = hubAddress(s)
	return addr, pin, err
}

// hubAddress completes what a person typed to "host:port".
func hubAddress(s string) (string, error) {
	const example = "s2c join -s session1 -c darker host:1122"
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), transport.DefaultPort
		if strings.Contains(host, ":") && net.ParseIP(host) == nil { // nor an IPv6 address
			return "", &usageError{fmt.Errorf("address %q: %w", s, err), example}
		}
	}
	if p, err := net.LookupPort("tcp", port); err != nil || p == 0 {
		return "", &usageError{fmt.Errorf("address %q: %q is no port", s, port), example}
	}
	if host == "" || strings.ContainsAny(host, "/ @") {
		return "", &usageError{fmt.Errorf("address %q: %q is no host", s, host), example}
	}
	return net.JoinHostPort(host, port), nil
}

// dialer returns a function that connects to the hub at addr and checks that
// its key is the one that this person has seen before.
//
// With a pin, the fingerprint that the hub must have, nothing else counts.
func (e Env) dialer(addr, pin string, noUDP bool) (func(context.Context) (transport.Conn, error), error) {
	known, err := e.knownHubs()
	if err != nil {
		return nil, err
	}
	proxy, err := e.proxy(addr)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (transport.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		h := hubCheck{known: known, addr: addr, pin: pin}
		conn, err := transport.Dial(ctx, transport.DialConfig{Addr: addr, NoUDP: noUDP, Proxy: proxy, Verify: h.verify})
		if err != nil || h.seen {
			return conn, err
		}
		e.say("new hub %s, its key is remembered: %s", addr, h.key)
		if err := known.Remember(addr, h.key); err != nil {
			e.say("the key cannot be remembered: %v", err)
		}
		return conn, nil
	}, nil
}

// proxy returns through which proxy to connect to addr, by the environment: nil
// for none.
func (e Env) proxy(addr string) (*url.URL, error) {
	get := func(name string) string {
		return cmp.Or(e.Getenv(name), e.Getenv(strings.ToLower(name)))
	}
	c := httpproxy.Config{HTTPSProxy: get("HTTPS_PROXY"), NoProxy: get("NO_PROXY")}
	proxy, err := c.ProxyFunc()(&url.URL{Scheme: "https", Host: addr})
	if err != nil {
		return nil, &hinted{fmt.Errorf("HTTPS_PROXY: %w", err), "it is http://[NAME:PASSWORD@]HOST:PORT", exitUsage}
	}
	return proxy, nil
}

// A hubCheck decides whether a hub is the one that is meant.
type hubCheck struct {
	known     *transport.KnownHubs
	addr, pin string

	// Set by verify: the key of the hub, and whether it is known.
	key  string
	seen bool
}

// verify returns an error for another key than the pin or, without one, than
// that which was seen before.
func (h *hubCheck) verify(key string) (err error) {
	h.key = key
	if h.pin != "" && key != h.pin {
		return &pinError{h.addr, h.pin, key}
	}
	if h.seen, err = h.known.Check(h.addr, key); h.pin != "" {
		err = nil // the line in the file is an older one
	}
	return err
}

// A pinError says that a hub has another key than the address says.
type pinError struct{ addr, want, got string }

func (e *pinError) Error() string {
	return fmt.Sprintf("hub %s has the key %s, not %s", e.addr, e.got, e.want)
}

// Hint says what to do about it.
func (e *pinError) Hint() string {
	return "ask its owner for the address again; if it is right, somebody else answers in the hub's place"
}

// An inHub is a hub inside this process.
type inHub struct {
	addr   string // for this process
	others string // for others
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// close ends the hub and waits for it.
func (h *inHub) close() {
	h.cancel()
	h.done.Wait()
}

// ownHub starts a hub on the default port, or on any port when that is taken.
func (e Env) ownHub(ctx context.Context, f joinFlags) (*inHub, error) {
	ln, err := e.listen(":"+transport.DefaultPort, f.tcp)
	if err != nil {
		if ln, err = e.listen(":0", f.tcp); err != nil {
			return nil, err
		}
	}
	_, port, err := net.SplitHostPort(ln.Addr())
	if err != nil {
		ln.Close()
		return nil, err
	}
	// The hub outlives ctx: it ends after the member has said goodbye.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h := &inHub{
		addr:   net.JoinHostPort("127.0.0.1", port),
		others: net.JoinHostPort(ownAddress(), port),
		cancel: cancel,
	}
	h.done.Go(func() { _ = hub.New(hub.Config{}).Serve(ctx, ln) })
	return h, nil
}

// ownAddress returns an address of this machine that others may reach.
func ownAddress() string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "HOST"
	}
	best := "HOST"
	for _, a := range addrs {
		ip, ok := a.(*net.IPNet)
		if !ok || !ip.IP.IsGlobalUnicast() {
			continue
		}
		if ip.IP.To4() != nil {
			return ip.IP.String()
		}
		best = ip.IP.String()
	}
	return best
}

// takePart joins a session and shows it until the person leaves.
func (e Env) takePart(ctx context.Context, cfg call.Config, d deviceFlags, s screenFlags, hint string) error {
	dev, err := d.open(ctx)
	if err != nil {
		return err
	}
	defer dev.close()
	dev.fit(&cfg, &d)
	set := e.openSettings()
	if cfg.Peers != nil { // those of a demo are never met again
		cfg.Volumes = set
	}
	var screen shownAs
	if !s.headless && !s.plain {
		saved := saveTerminal()
		defer saved.close()
		cfg.Panic = saved.restore
		screen = e.screen(s.lookFlags)
		e.paint(s.theme)
		screen.settings = set
		if e.isFirst(&s, set) {
			if ready, err := e.setUp(ctx, dev, &d, &screen, &s, saved.restore); err != nil || !ready {
				return noScreen(err)
			}
			set.setUp()
		}
	}
	c, err := call.New(cfg)
	if err != nil {
		return err
	}
	if err := c.Join(ctx); err != nil {
		return err
	}
	return e.show(ctx, c, s, &screen, hint)
}

// show runs a call that has joined, on the screen or without one.
func (e Env) show(ctx context.Context, c *call.Call, s screenFlags, screen *shownAs, hint string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var run sync.WaitGroup
	run.Go(func() { cancel(c.Run(ctx)) })
	var requests chan ui.Request // what s2c ctl asks of the screen
	if !s.headless && !s.plain {
		requests = make(chan ui.Request)
	}
	if !s.noCtl {
		e.steer(ctx, c, func() { cancel(command.ErrLeave) }, requests, &run)
	}
	var err error
	switch {
	case s.headless:
		err = e.headless(ctx, c, s.stats)
	case s.plain:
		err = e.plainly(ctx, c, hint)
	default:
		cfg := screen.uiConfig(&s)
		cfg.Engine, cfg.Hint, cfg.Requests, cfg.Invite = c, hint, requests, s.invite
		cfg.Bell, cfg.Hosting = s.bell, s.hosting
		if s.notify != "" {
			h := startHook(ctx, s.notify)
			defer h.done.Wait()
			cfg.Noticed = h.tell
		}
		cfg.Do, cfg.Words = func(line string) error { return command.Do(c, line) }, paletteWords()
		err = noScreen(ui.Run(ctx, cfg))
	}
	cancel(err)
	run.Wait()
	if err == nil {
		return nil // the person left
	}
	if err = context.Cause(ctx); errors.Is(err, command.ErrLeave) {
		return nil // likewise, by another program
	}
	return err
}
