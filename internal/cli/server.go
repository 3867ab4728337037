package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/hub"
	"github.com/sanix-darker/s2c/internal/transport"
)

// serverFlags are the flags of the server command.
type serverFlags struct {
	port       int
	address    string
	tcp        bool
	members    int
	perSession int
	sessions   int
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

SIGTERM tells the members and ends the hub within two seconds.`,
		Example: `  s2c server                       on port 1122
  s2c server -p 4433               on another port
  s2c server --address 127.0.0.1   for this machine only`,
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
	ln, err := e.listen(net.JoinHostPort(f.address, strconv.Itoa(f.port)), f.tcp)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(ln.Addr())
	if err != nil {
		ln.Close()
		return err
	}
	e.say("hub on %s", net.JoinHostPort(f.address, port))
	return hub.New(hub.Config{
		Log: log, Members: f.members, PerSession: f.perSession, Sessions: f.sessions,
	}).Serve(ctx, ln)
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
