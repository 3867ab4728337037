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
	port       int
	address    string
	tcp        bool
	members    int
	perSession int
	sessions   int
	keys       string // file with the keys of those who may join
	door       bool
	newDoor    bool
	verbose    bool
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

SIGTERM tells the members and ends the hub within two seconds.`,
		Example: `  s2c server                                  on port 1122
  s2c server -p 4433                          on another port
  s2c server --address 127.0.0.1              for this machine only
  s2c server --door                           for those who have the token it prints
  s2c server --authorized-keys keys.txt       for those whose keys are in a file
  kill -HUP $(pidof s2c)                      the file has changed`,
		Args: atMost(0, "the port is given with -p"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.runServer(cmd.Context(), f)
		},
	}
	fl := cmd.Flags()
	fl.IntVarP(&f.port, "port", "p", 1122, "`port` to listen on, TCP and UDP")
	fl.StringVar(&f.address, "address", "", "`address` to listen on (default: all of this machine)")
	fl.BoolVar(&f.tcp, "tcp", false, "no UDP: everything through TLS over TCP")
	fl.IntVar(&f.members, "max-members", 0, "members at once (default 1000)")
	fl.IntVar(&f.perSession, "max-session", 0, "members of one session (default 64)")
	fl.IntVar(&f.sessions, "max-sessions", 0, "sessions at once (default 500)")
	fl.StringVar(&f.keys, "authorized-keys", "", "only those on the list in `file` may join")
	fl.BoolVar(&f.door, "door", false, "only those who have the hub's door token may join")
	fl.BoolVar(&f.newDoor, "new-door", false, "make another door token; implies --door")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "log more")
	return cmd
}

func (e Env) runServer(ctx context.Context, f serverFlags) error {
	if f.port < 0 || f.port > 65535 {
		return &usageError{fmt.Errorf("port %d is not between 1 and 65535", f.port), "s2c server -p 1122"}
	}
	level := slog.LevelInfo
	if f.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: level}))
	c := hub.Config{Log: log, Members: f.members, PerSession: f.perSession, Sessions: f.sessions}
	var err error
	if f.keys != "" {
		if c.Allow, err = readKeys(f.keys); err != nil {
			return err
		}
		e.say("keys on the list: %d", c.Allow.Len())
	}
	if f.door || f.newDoor {
		if c.Door, err = e.hubDoor(f.newDoor); err != nil {
			return err
		}
	}
	ln, err := e.listen(net.JoinHostPort(f.address, strconv.Itoa(f.port)), f.tcp)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(ln.Addr())
	if err != nil {
		ln.Close()
		return err
	}
	if c.Door != nil {
		e.say("hub door %s", c.Door.String()) // printing the token itself hides it
		e.say("others join with: %s=%s s2c join -s SESSION -c NAME %s",
			envDoor, c.Door.String(), net.JoinHostPort(reachable(f.address), port))
	}
	h := hub.New(c)
	if f.keys != "" {
		defer follow(log, h, f.keys)()
	}
	e.say("hub on %s", net.JoinHostPort(f.address, port))
	return h.Serve(ctx, ln)
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

// listen opens a hub's sockets with the hub's own key.
func (e Env) listen(addr string, noUDP bool) (*transport.HubListener, error) {
	dir, err := e.stateDir()
	if err != nil {
		return nil, err
	}
	key, err := transport.LoadHubKey(filepath.Join(dir, "hub_key.pem"))
	if err != nil {
		return nil, err
	}
	ln, err := transport.Listen(transport.ListenConfig{Addr: addr, Key: key, NoUDP: noUDP})
	if err != nil {
		return nil, &hinted{err, "another program has the port, or the rights are missing; choose a port with -p", exitFailed}
	}
	e.say("hub key %s", key.Fingerprint())
	return ln, nil
}
