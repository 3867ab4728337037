package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// systems are those for which there is a program. Each is built with modules of its
// own.
var systems = []string{"linux", "darwin", "windows", "freebsd"}

// notices has what no module says of itself: of whom it is a translation.
const notices = "packaging/notices"

// licenceFile matches the names of files with the terms of a module.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)(\.|-|$)`)

// writeLicences writes the terms of all that the program is made of to a file.
func writeLicences(ctx context.Context, name string) error {
	dirs, err := modules(ctx)
	if err != nil {
		return err
	}
	root, err := output(ctx, nil, "go", "env", "GOROOT")
	if err != nil {
		return err
	}
	dirs["Go, its runtime and standard library"] = strings.TrimSpace(string(root))
	dirs["Other works"] = notices
	var b bytes.Buffer
	fmt.Fprintln(&b, "s2c is made of these works besides its own, whose terms follow.")
	for _, who := range slices.Sorted(maps.Keys(dirs)) {
		if err := appendTerms(&b, who, dirs[who]); err != nil {
			return err
		}
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}

// modules returns the directories of the modules that the program is built with, by
// name and version.
func modules(ctx context.Context) (map[string]string, error) {
	dirs := make(map[string]string)
	for _, system := range systems {
		list, err := output(ctx, []string{"GOOS=" + system, "CGO_ENABLED=0"}, "go", "list", "-deps",
			"-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", ".")
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(list)) {
			who, dir, ok := strings.Cut(strings.TrimSpace(line), "\t")
			if ok {
				dirs[who] = dir
			}
		}
	}
	if len(dirs) == 0 {
		return nil, errors.New("the program is made of no modules")
	}
	return dirs, nil
}

// appendTerms appends the terms of a work, which are in some files of a directory.
func appendTerms(b *bytes.Buffer, who, dir string) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	found := false
	for _, e := range list {
		if e.IsDir() || dir != notices && !licenceFile.MatchString(e.Name()) {
			continue
		}
		terms, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		found = true
		fmt.Fprintf(b, "\n%s\n%s: %s\n\n%s\n", strings.Repeat("-", 72), who, e.Name(), bytes.TrimSpace(bytes.ReplaceAll(terms, []byte("\r\n"), []byte("\n"))))
	}
	if !found {
		return fmt.Errorf("%s says nothing of its terms in %s", who, dir)
	}
	return nil
}

// output returns what a command prints, run with more of an environment.
func output(ctx context.Context, env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(e.Stderr))
	}
	return out, err
}
