package cli

import (
	"context"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/device"
	"github.com/sanix-darker/s2c/internal/plain"
)

// choosePlain has s show lines of text where the terminal can do no more, and d
// send no pictures with them unless the person has named a camera.
func (e Env) choosePlain(s *screenFlags, d *deviceFlags, cmd *cobra.Command) {
	s.plain = s.plain || !s.headless && e.Getenv("TERM") == "dumb"
	if s.plain && !cmd.Flags().Changed("camera") {
		d.cameraName = device.None
	}
}

// plainly tells of a call as lines of text, and takes lines from standard input,
// until ctx is done or the person leaves. invite is what others type to join.
func (e Env) plainly(ctx context.Context, c *call.Call, invite string) error {
	in := readCommands(e.Stdin)
	defer in.close()
	f, ok := e.Stdin.(*os.File)
	return plain.Run(ctx, plain.Config{
		Engine: c, Out: e.Stdout, Lines: in.lines, Typed: ok && term.IsTerminal(int(f.Fd())), Invite: invite,
	})
}
