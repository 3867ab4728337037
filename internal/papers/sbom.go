package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// A bill is a bill of materials as CycloneDX 1.5 has it:
// https://cyclonedx.org/docs/1.5/json/
type bill struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

// A component is the program, or a module that it is built with.
type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref,omitempty"`
	Name       string     `json:"name"`
	Version    string     `json:"version,omitempty"`
	PURL       string     `json:"purl,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// writeSBOM writes what a binary says that it is made of. Nothing in it is of the
// day on which that is done.
func writeSBOM(ctx context.Context, binary, name string) error {
	out, err := output(ctx, nil, "go", "version", "-m", "-json", binary)
	if err != nil {
		return err
	}
	var info debug.BuildInfo
	if err := json.Unmarshal(out, &info); err != nil {
		return fmt.Errorf("what go says of %s: %w", binary, err)
	}
	if info.Main.Path == "" {
		return fmt.Errorf("%s does not say what it is made of", binary)
	}
	b, err := json.MarshalIndent(billOf(&info, filepath.Base(binary)), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(b, '\n'), 0o644)
}

// billOf returns the bill of a program.
func billOf(info *debug.BuildInfo, file string) *bill {
	program := moduleComponent("application", &info.Main)
	program.Name = file
	for _, s := range info.Settings {
		if strings.HasPrefix(s.Key, "GO") || strings.HasPrefix(s.Key, "vcs.") || s.Key == "CGO_ENABLED" {
			program.Properties = append(program.Properties, property{"go:" + s.Key, s.Value})
		}
	}
	b := &bill{Format: "CycloneDX", Spec: "1.5", Version: 1, Metadata: metadata{program}}
	b.Components = append(b.Components, moduleComponent("library", &debug.Module{Path: "stdlib", Version: strings.TrimPrefix(info.GoVersion, "go")}))
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		b.Components = append(b.Components, moduleComponent("library", m))
	}
	return b
}

// moduleComponent returns what is said of a module. Its sum is that of go.sum, no
// hash of a file, and so a property.
func moduleComponent(kind string, m *debug.Module) component {
	purl := "pkg:golang/" + m.Path + "@" + strings.ReplaceAll(m.Version, "+", "%2B")
	c := component{Type: kind, Ref: purl, Name: m.Path, Version: m.Version, PURL: purl}
	if m.Sum != "" {
		c.Properties = append(c.Properties, property{"go:sum", m.Sum})
	}
	return c
}
