package cli

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// The formats of the hub's log.
const (
	logText = "text"
	logJSON = "json"
)

// maxLimit is the largest limit that makes sense in a flag: none counts more
// than connections, of which no machine has so many.
const maxLimit = 1_000_000

// serverNames are all flags of the server command, which may come from the
// environment.
var serverNames = [...]string{
	"port", "address", "tcp", "max-members", "max-session", "max-sessions", "max-members-per-address", "max-joins-per-minute",
	"max-handshakes", "max-handshakes-per-address",
	"authorized-keys", "door", "new-door", "drain", "metrics", "log-format", "verbose",
}

// envName returns the variable of the environment for a flag of the server.
func envName(flag string) string {
	if flag == "door" {
		return "S2C_HUB_DOOR" // S2C_DOOR is a member's token, not whether a hub asks for one
	}
	return "S2C_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets the flags that are not on the command line from the
// environment. A variable that is empty is as good as none.
func (e Env) fromEnvironment(cmd *cobra.Command, f *serverFlags) error {
	f.from = make(map[string]string)
	for _, name := range serverNames {
		variable := envName(name)
		text := e.Getenv(variable)
		flag := cmd.Flags().Lookup(name)
		if text == "" || flag.Changed {
			continue
		}
		if flag.Value.Set(text) != nil {
			return &usageError{badVariable(variable, flag.Value.Type(), text), "see s2c server -h"}
		}
		f.from[name] = variable
	}
	return nil
}

// badVariable says what is wrong with a variable that a flag of a type does
// not take. It does not repeat the text in place of a bool: whoever takes that
// variable for the one of the token may have put the token there.
func badVariable(variable, kind, text string) error {
	switch kind {
	case "bool":
		return fmt.Errorf("%s is neither true nor false", variable)
	case "duration":
		return fmt.Errorf("%s=%q is no duration such as 90s or 10m", variable, text)
	default:
		return fmt.Errorf("%s=%q is no number", variable, text)
	}
}

// check returns a usage error for a value that cannot work. It names the
// variable that the value comes from, if any.
func (f *serverFlags) check() error {
	bad := func(flag string, err error, hint string) error {
		if variable := f.from[flag]; variable != "" {
			err = fmt.Errorf("%s: %w", variable, err)
		}
		return &usageError{err, hint}
	}
	if f.port < 0 || f.port > 65535 {
		return bad("port", fmt.Errorf("port %d is not between 1 and 65535", f.port), "s2c server -p 1122")
	}
	for _, limit := range []struct {
		flag string
		n    int
	}{
		{"max-members", f.members},
		{"max-session", f.perSession},
		{"max-sessions", f.sessions},
		{"max-members-per-address", f.fromAddress},
		{"max-joins-per-minute", f.joins},
		{"max-handshakes", f.handshakes},
		{"max-handshakes-per-address", f.perAddress},
	} {
		if limit.n < 0 || limit.n > maxLimit {
			return bad(limit.flag, fmt.Errorf("--%s %d is not between 1 and %d", limit.flag, limit.n, maxLimit), "leave it out for the default")
		}
	}
	if f.drain < 0 {
		return bad("drain", fmt.Errorf("--drain %v is less than no time", f.drain), "s2c server --drain 10m")
	}
	if f.logFormat != logText && f.logFormat != logJSON {
		return bad("log-format", fmt.Errorf("unknown format of the log %q", f.logFormat), "--log-format text or --log-format json")
	}
	if f.metrics != "" {
		addr, err := metricsAddr(f.metrics)
		if err != nil {
			return bad("metrics", err, "s2c server --metrics 9122")
		}
		f.metrics = addr
	}
	return nil
}

// metricsAddr returns the address to listen on for --metrics. A port alone is
// for this machine only.
func metricsAddr(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = "127.0.0.1", s
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("metrics address %q is neither a port nor host:port", s)
	}
	return net.JoinHostPort(host, port), nil
}

// logger returns what the hub logs to.
func (f *serverFlags) logger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if f.verbose {
		o.Level = slog.LevelDebug
	}
	if f.logFormat == logJSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
