package cli

import (
	"context"
	"errors"
	"net"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitRefused     = 4
	exitInterrupted = 130
)

// A usageError says that the command line was wrong, and how it is right.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// A hinted error carries its mend and its exit code.
type hinted struct {
	err  error
	hint string
	code int
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }

// A hintingError is an error of a package that knows its mend.
type hintingError interface {
	error
	Hint() string
}

// report tells the person of err and returns the exit code.
func (e Env) report(err error) int {
	code, hint := classify(err)
	if code == exitOK || code == exitInterrupted {
		return code
	}
	e.say("error: %v", err)
	if hint != "" {
		e.say("hint: %s", hint)
	}
	return code
}

// classify returns the exit code for err and what a person can do about it.
func classify(err error) (code int, hint string) {
	if err == nil {
		return exitOK, ""
	}
	if u, ok := errors.AsType[*usageError](err); ok {
		return exitUsage, u.hint
	}
	if h, ok := errors.AsType[*hinted](err); ok {
		return h.code, h.hint
	}
	if errors.Is(err, context.Canceled) {
		return exitInterrupted, ""
	}
	if p, ok := errors.AsType[*transport.ProxyError](err); ok {
		return exitUnreachable, p.Hint()
	}
	if h, ok := errors.AsType[hintingError](err); ok {
		return exitFailed, h.Hint()
	}
	if r, ok := errors.AsType[*call.RefusedError](err); ok {
		return exitRefused, refusedHint(r)
	}
	if c, ok := errors.AsType[*transport.HubChangedError](err); ok {
		return exitFailed, "ask its owner; if it was set up anew: s2c key forget " + c.Addr
	}
	if errors.Is(err, transport.ErrNotHub) {
		return exitUnreachable, "something else answers there; check the address and the port"
	}
	if d, ok := errors.AsType[*net.DNSError](err); ok {
		return exitUnreachable, "check the name " + d.Name
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return exitUnreachable, "is the hub running there? start one with: s2c server -p " + transport.DefaultPort
	}
	return exitFailed, ""
}

func refusedHint(r *call.RefusedError) string {
	if r.NameTaken {
		return "choose another name with -c"
	}
	switch r.Code {
	case wire.CodeHubFull:
		return "try again later, or start another hub with: s2c server"
	case wire.CodeSessionFull:
		return "try again later, or meet in another session with -s"
	case wire.CodeTooMany:
		return "try again in a minute, or ask the hub's owner to allow more (s2c server --max-joins-per-minute, --max-members-per-address)"
	case wire.CodeClosing:
		return "try again in some minutes, or use another hub"
	case wire.CodeVersion:
		return "update s2c here or at the hub"
	case wire.CodeDenied:
		return "ask the hub's owner to add your key (s2c key), or for its door token (" + envDoor + " or --door-file)"
	default:
		return ""
	}
}
