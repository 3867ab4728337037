package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/internal/device"
	"github.com/sanix-darker/s2c/internal/text"
)

// listTime bounds how long a sound server may take to answer.
const listTime = 5 * time.Second

func (e Env) devices() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "list cameras, microphones and speakers",
		Long: `List the cameras, microphones and speakers of this machine with the names that
--camera, --mic and --speaker take. A part of the description does too. The one
marked with * is what "auto" takes.`,
		Example: `  s2c devices
  s2c devices --json`,
		Args: atMost(0, "s2c devices"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.listDevices(cmd.Context(), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// listDevices prints what there is on standard output, and why something is
// missing on standard error.
func (e Env) listDevices(ctx context.Context, asJSON bool) error {
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	l, missing := device.Devices(ctx)
	if missing != nil {
		for line := range strings.Lines(missing.Error()) {
			e.say("%s", strings.TrimSpace(line))
		}
	}
	if asJSON {
		return json.NewEncoder(e.Stdout).Encode(l)
	}
	for _, part := range []struct {
		title string
		list  []device.Listed
	}{{"cameras", l.Cameras}, {"microphones", l.Mics}, {"speakers", l.Speakers}} {
		fmt.Fprintln(e.Stdout, part.title)
		if len(part.list) == 0 {
			fmt.Fprintln(e.Stdout, "  none")
		}
		for _, d := range part.list {
			mark := " "
			if d.Default {
				mark = "*"
			}
			fmt.Fprintf(e.Stdout, "%s %-32s %s\n", mark, text.Clean(d.Name, 80), text.Clean(d.Description, 80))
		}
	}
	return nil
}
