package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/text"
)

// hookTime is how long the program of --notify may take.
const hookTime = 5 * time.Second

// A hook is the program of --notify. It is run for a notice with what that says in
// its environment; notices that come while it runs are not told.
type hook struct {
	argv    []string
	notices chan call.Notice
	done    sync.WaitGroup
}

// checkHook returns a usage error for a program that is not there.
func checkHook(command string) error {
	argv := strings.Fields(command)
	if len(argv) == 0 {
		return &usageError{errors.New("--notify names no program"), "--notify 'notify-send s2c', with S2C_EVENT, S2C_NAME and S2C_TEXT in its environment"}
	}
	if _, err := exec.LookPath(argv[0]); err != nil {
		return &usageError{fmt.Errorf("--notify: %w", err), "name a program that there is; it is run without a shell"}
	}
	return nil
}

// startHook waits for notices until ctx is done; the owner waits for done.
func startHook(ctx context.Context, command string) *hook {
	h := &hook{argv: strings.Fields(command), notices: make(chan call.Notice)}
	h.done.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case n := <-h.notices:
				h.run(ctx, n)
			}
		}
	})
	return h
}

// tell has the program be run, unless it runs.
func (h *hook) tell(n call.Notice) {
	select {
	case h.notices <- n:
	default:
	}
}

// withoutSecrets returns the environment less what this program alone is to know.
func withoutSecrets(env []string) []string {
	return slices.DeleteFunc(env, func(s string) bool {
		name, _, _ := strings.Cut(s, "=")
		return slices.Contains([]string{envPass, envKeyPass, envDoor}, name)
	})
}

// run runs the program. What it prints is nobody's, and that it fails is its own
// affair: there is a call on the screen.
func (h *hook) run(ctx context.Context, n call.Notice) {
	ctx, cancel := context.WithTimeout(ctx, hookTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, h.argv[0], h.argv[1:]...)
	cmd.Env = append(withoutSecrets(os.Environ()), "S2C_EVENT="+n.Kind.String(), "S2C_NAME="+text.Clean(n.Name, text.MaxName), "S2C_TEXT="+text.Clean(n.Text, 1000))
	cmd.WaitDelay = time.Second
	_ = cmd.Run()
}
