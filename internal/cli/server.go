package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/hub"
	"github.com/sanix-darker/s2c/internal/file"
	"github.com/sanix-darker/s2c/internal/transport"
)

const (
	maxKeysFile = 16 << 20 // bytes of a list of keys: some ten thousand people
	maxDoorFile = 256      // bytes of a file with a door token, which has 31
)

// serverFlags are the flags of the server command.
type serverFlags struct {
	port        int
	address     string
	tcp         bool
	members     int
	perSession  int
	sessions    int
	handshakes  int
	perAddress  int    // handshakes of one address
	fromAddress int    // members of one address
	joins       int    // of one address in a minute
	keys        string // file with the keys of those who may join
	door        bool
	newDoor     bool
	drain       time.Duration
	metrics     string // address
	logFormat   string
	verbose     bool

	// from says which variable of the environment a flag comes from, "" for the
	// command line and for what nobody has given.
	from map[string]string
}

func (e Env) server() *cobra.Command {
	var f serverFlags
	cmd := &cobra.Command{
		Use:   "server",
		Short: "run a hub: it forwards sealed packets that it cannot open",
		Long: `Run a hub for any number of sessions on one port, TCP and UDP. It needs no
set-up: it makes its own key at the first start and prints the fingerprint, by
which members know it again. Open the port for both protocols in the firewall;
members who reach only TCP stay on TCP.

Whoever reaches the hub may join, unless one of these is given, or both. Either
keeps strangers off the hub; who hears whom is for the members to decide, and
the hub knows nothing of their passphrases.

--authorized-keys names a file in the form of OpenSSH's authorized_keys: a line is
a key (ssh-rsa AAAA... name) or a fingerprint (SHA256:... name), as "s2c key"
prints them, after session="a,b" if it may join these sessions only. SIGHUP makes
the hub read the file again; a file that cannot be read changes nothing. Those who
have joined stay.

--door asks for a token, which the hub makes at the first start, prints, and keeps
in the file hub_door beside its own key. Members give it in S2C_DOOR or with
--door-file. --new-door makes another, so that the old one opens nothing any more.

SIGTERM tells the members and ends the hub within two seconds. With --drain it
takes nobody new at first, and ends once all have left or the time is over; a
second SIGTERM, or SIGINT, ends it at once. Those who are there notice nothing.

--metrics answers at /metrics with figures for Prometheus, and at /healthz with
200, or 503 while it ends. A port alone is for this machine only. The figures are
sums over all sessions: they name neither sessions nor people, and no graph of
them tells who talks with whom. There is neither a password nor TLS, so let only
your own network reach it.

Each flag may also come from the environment, as S2C_ and its name in capitals,
with _ for -: S2C_MAX_MEMBERS=200. Only --door is S2C_HUB_DOOR. A flag wins.`,
		Example: `  s2c server                                  on port 1122
  s2c server -p 4433                          on another port
  s2c server --address 127.0.0.1              for this machine only
  s2c server --door                           for those who have the token it prints
  s2c server --authorized-keys keys.txt       for those whose keys are in a file
  s2c server --metrics 9122 --drain 10m       with figures; may take its time to end
  kill -HUP $(pidof s2c)                      the file has changed`,
		Args: atMost(0, "the port is given with -p"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := e.fromEnvironment(cmd, &f); err != nil {
				return err
			}
			if err := f.check(); err != nil {
				return err
			}
			return e.runServer(cmd.Context(), f)
		},
	}
	f.add(cmd)
	return cmd
}

func (f *serverFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.IntVarP(&f.port, "port", "p", 1122, "`port` to listen on, TCP and UDP")
	fl.StringVar(&f.address, "address", "", "`address` to listen on (default: all of this machine)")
	fl.BoolVar(&f.tcp, "tcp", false, "no UDP: everything through TLS over TCP")
	fl.IntVar(&f.members, "max-members", 0, "members at once (default 1000)")
	fl.IntVar(&f.perSession, "max-session", 0, "members of one session (default 64)")
	fl.IntVar(&f.sessions, "max-sessions", 0, "sessions at once (default 500)")
	fl.IntVar(&f.fromAddress, "max-members-per-address", 0, "members at once from one IPv4 address or IPv6 /64 (default 256)")
	fl.IntVar(&f.joins, "max-joins-per-minute", 0, "from one of these addresses (default 240)")
	fl.IntVar(&f.handshakes, "max-handshakes", 0, "TLS handshakes to work on at once; four times as many connections may be about to shake hands (default 64)")
	fl.IntVar(&f.perAddress, "max-handshakes-per-address", 0, "of one IPv4 address or IPv6 /64 (default 32)")
	fl.StringVar(&f.keys, "authorized-keys", "", "only those on the list in `file` may join")
	fl.BoolVar(&f.door, "door", false, "only those who have the hub's door token may join")
	fl.BoolVar(&f.newDoor, "new-door", false, "make another door token; implies --door")
	fl.DurationVar(&f.drain, "drain", 0, "after SIGTERM, wait for `time` such as 10m until all have left (default: end at once)")
	fl.StringVar(&f.metrics, "metrics", "", "answer /metrics and /healthz at `address`: a port, or host:port (default: nowhere)")
	fl.StringVar(&f.logFormat, "log-format", logText, "`format` of the log: text, or json for all that the running hub prints")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "log more")
}

func (e Env) runServer(ctx context.Context, f serverFlags) error {
	if e.Getenv("GOGC") == "" {
		defer startTidying()()
	}
	log := f.logger(e.Stderr)
	say := e.say
	if f.logFormat == logJSON {
		say = func(format string, args ...any) { log.Info(fmt.Sprintf(format, args...)) }
	}
	c := hub.Config{Log: log, Members: f.members, PerSession: f.perSession, Sessions: f.sessions, PerAddress: f.fromAddress, Joins: f.joins}
	var err error
	if f.keys != "" {
		if c.Allow, err = readKeys(f.keys); err != nil {
			return err
		}
		say("keys on the list: %d", c.Allow.Len())
	}
	if f.door || f.newDoor {
		if c.Door, err = e.hubDoor(f.newDoor); err != nil {
			return err
		}
	}
	ln, fingerprint, err := e.openHub(transport.ListenConfig{
		Addr: net.JoinHostPort(f.address, strconv.Itoa(f.port)), NoUDP: f.tcp,
		Handshakes: f.handshakes, PerAddress: f.perAddress,
	})
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(ln.Addr())
	if err != nil {
		ln.Close()
		return err
	}
	say("hub key %s", fingerprint)
	if c.Door != nil {
		f.sayDoor(say, c.Door, port)
	}
	h := hub.New(c)
	if f.drain > 0 {
		var stop func()
		ctx, stop = drainFirst(ctx, log, h, f.drain)
		defer stop()
	}
	if f.metrics != "" {
		addr, stop, err := startMetrics(ctx, log, h, ln, f.metrics)
		if err != nil {
			ln.Close()
			return err
		}
		defer stop()
		say("metrics on http://%s/metrics", addr)
	}
	if f.keys != "" {
		defer follow(log, h, f.keys)()
	}
	say("hub on %s", net.JoinHostPort(f.address, port))
	return h.Serve(ctx, ln)
}

// sayDoor tells the hub's owner of the door token. A log in JSON goes to where
// others read logs, so it has no secrets in it.
func (f *serverFlags) sayDoor(say func(format string, args ...any), t *hello.Token, port string) {
	if f.logFormat == logJSON {
		say("hub door: the token is in the file hub_door, beside the key of the hub")
		return
	}
	say("hub door %s", t.String()) // printing the token itself hides it
	say("others join with: %s=%s s2c join -s SESSION -c NAME %s",
		envDoor, t.String(), net.JoinHostPort(reachable(f.address), port))
}

// reachable returns an address by which others may reach a hub that listens at
// address.
func reachable(address string) string {
	if ip := net.ParseIP(address); address == "" || ip != nil && ip.IsUnspecified() {
		return ownAddress()
	}
	return address
}

// follow has h take over the list of keys in the file at path whenever this
// process gets SIGHUP, which no longer ends it, until stop is called.
func follow(log *slog.Logger, h *hub.Hub, path string) (stop func()) {
	hangup := make(chan os.Signal, 1)
	signal.Reset(syscall.SIGHUP) // whoever wanted to end with it
	signal.Notify(hangup, syscall.SIGHUP)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-hangup:
			}
			list, err := readKeys(path)
			if err != nil {
				log.Error("list of keys not read again, the old one stands", "err", err)
				continue
			}
			h.SetAllow(list)
			log.Info("list of keys read again", "keys", list.Len())
		}
	})
	return func() {
		signal.Stop(hangup)
		close(done)
		wg.Wait()
	}
}

// readKeys reads the list of those who may join. It refuses a list that others
// may write, as sshd does, for they could put themselves on it, and one that
// shuts everybody out.
func readKeys(path string) (*hello.AllowList, error) {
	hint := "a line is a key (ssh-rsa AAAA... name) or a fingerprint (SHA256:... name), as s2c key prints them"
	var list *hello.AllowList
	b, err := file.Read(path, maxKeysFile, file.OwnerWrites)
	if _, ok := errors.AsType[*file.SharedError](err); ok {
		hint = fmt.Sprintf("chmod go-w %q", path)
	} else if p, ok := errors.AsType[*fs.PathError](err); ok {
		err, hint = p.Err, "check the name of the file" // and say the name once
	} else if err == nil {
		if list, err = hello.ParseAllowList(b); err == nil && list.Len() == 0 {
			err = errors.New("nobody is on it")
		}
	}
	if err != nil {
		return nil, &hinted{fmt.Errorf("authorized keys %q: %w", path, err), hint, exitFailed}
	}
	return list, nil
}

// hubDoor returns the token of this hub, which is kept in a file: that of
// before, or another one if there is none or another is asked for.
func (e Env) hubDoor(another bool) (*hello.Token, error) {
	dir, err := e.stateDir()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "hub_door")
	t, err := readDoor(path)
	if another || errors.Is(err, fs.ErrNotExist) {
		t, err = makeDoor(path, another)
	}
	if err == nil {
		return &t, nil
	}
	hint := ""
	if errors.Is(err, hello.ErrToken) {
		hint = "the file is damaged; make another token with --new-door"
	} else if _, ok := errors.AsType[*file.SharedError](err); ok {
		hint = "others may know the token; make another with --new-door"
	}
	return nil, &hinted{fmt.Errorf("door token %q: %w", path, err), hint, exitFailed}
}

// readDoor returns the token in the file at path.
func readDoor(path string) (hello.Token, error) {
	b, err := file.Read(path, maxDoorFile, file.OwnerOnly)
	if err != nil {
		return hello.Token{}, err
	}
	return hello.ParseToken(string(b))
}

// makeDoor makes a token and the file at path that holds it. Unless it may
// replace a file, all of several processes that do so get the same token.
func makeDoor(path string, replace bool) (hello.Token, error) {
	var t hello.Token
	if _, err := rand.Read(t[:]); err != nil {
		return t, err
	}
	text := []byte(t.String() + "\n")
	if replace {
		return t, file.Replace(path, text)
	}
	if made, err := file.Create(path, text); made || err != nil {
		return t, err
	}
	return readDoor(path)
}

// listen opens a hub's sockets with the hub's own key, and says which that is.
func (e Env) listen(addr string, noUDP bool) (*transport.HubListener, error) {
	ln, fingerprint, err := e.openHub(transport.ListenConfig{Addr: addr, NoUDP: noUDP})
	if err == nil {
		e.say("hub key %s", fingerprint)
	}
	return ln, err
}

// openHub opens a hub's sockets with the hub's own key, whose fingerprint it
// returns.
func (e Env) openHub(c transport.ListenConfig) (*transport.HubListener, string, error) {
	dir, err := e.stateDir()
	if err != nil {
		return nil, "", err
	}
	if c.Key, err = transport.LoadHubKey(filepath.Join(dir, "hub_key.pem")); err != nil {
		return nil, "", err
	}
	ln, err := transport.Listen(c)
	if err != nil {
		return nil, "", &hinted{err, "another program has the port, or the rights are missing; choose a port with -p", exitFailed}
	}
	return ln, c.Key.Fingerprint(), nil
}
