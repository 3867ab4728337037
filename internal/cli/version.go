package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// buildFacts are what is known of this program. What is not known is left out.
type buildFacts struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"commit_time,omitempty"`
	Modified bool   `json:"modified,omitempty"` // the sources were not those of the commit
	Go       string `json:"go"`
	System   string `json:"system"`
}

func (e Env) version() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "which version this is",
		Args:  atMost(0, "s2c version"),
		RunE: func(*cobra.Command, []string) error {
			info, _ := debug.ReadBuildInfo()
			f := factsOf(info)
			if asJSON {
				return json.NewEncoder(e.Stdout).Encode(f)
			}
			_, err := fmt.Fprint(e.Stdout, f.text())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// factsOf returns what a program's build says of it; info may be nil.
func factsOf(info *debug.BuildInfo) buildFacts {
	f := buildFacts{Version: "unknown", Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	if info == nil {
		return f
	}
	if info.Main.Version != "" {
		f.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			f.Commit = s.Value
		case "vcs.time":
			f.Time = s.Value
		case "vcs.modified":
			f.Modified = s.Value == "true"
		}
	}
	return f
}

// text returns what people read.
func (f buildFacts) text() string {
	s := "s2c " + f.Version + "\n"
	if f.Commit != "" {
		s += "commit " + f.Commit + " of " + f.Time
		if f.Modified {
			s += ", modified"
		}
		s += "\n"
	}
	return s + f.Go + " on " + f.System + "\n"
}

// versionName returns the version of this program.
func versionName() string {
	info, _ := debug.ReadBuildInfo()
	return factsOf(info).Version
}
