//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// An artifact is a part of a release, as goreleaser's artifacts.json has it.
type artifact struct {
	Name   string `json:"name"`
	Path   string `json:"path"` // made absolute by readArtifacts
	OS     string `json:"goos"`
	Arch   string `json:"goarch"`
	Type   string `json:"type"`
	Format string `json:"-"`
	Extra  struct {
		Format string
	} `json:"extra"`
}

// isBinary reports whether a is a program for Linux.
func (a artifact) isBinary() bool { return a.Type == "Binary" && a.OS == "linux" }

// readArtifacts returns the parts of the release in dist.
func readArtifacts(dist string) (list []artifact, err error) {
	dist, err = filepath.Abs(dist)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(filepath.Join(dist, "artifacts.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, err
	}
	for i := range list { // their paths begin with the folder's name
		list[i].Path = filepath.Join(filepath.Dir(dist), list[i].Path)
	}
	return list, nil
}

// releaseTwice makes the release of HEAD from two clones, prints its files, and
// returns the folder of the first, with an error if they differ.
func releaseTwice(ctx context.Context, o options, work string) (dist string, err error) {
	var dists []string
	for _, name := range []string{"first", "second"} {
		clone := filepath.Join(work, name)
		if _, err := command(ctx, "", "git", "clone", "-q", ".", clone); err != nil {
			return "", err
		}
		words := append(strings.Fields(o.goreleaser), "release", "--snapshot", "--clean")
		if _, err := command(ctx, clone, words[0], words[1:]...); err != nil {
			return "", err
		}
		dists = append(dists, filepath.Join(clone, "dist"))
	}
	first, err := sums(dists[0])
	if err != nil {
		return "", err
	}
	second, err := sums(dists[1])
	if err != nil {
		return "", err
	}
	fmt.Println("release")
	differ := compare(first, second)
	for _, f := range first {
		fmt.Printf("  %11d  %s\n", f.size, f.name)
	}
	fmt.Printf("  %d files, %d of which differ in the second release\n", len(first), len(differ))
	if len(differ) > 0 {
		err = fmt.Errorf("two releases of the same commit differ in %s", strings.Join(differ, ", "))
	}
	return dists[0], err
}

// A file is one that people download.
type file struct {
	name string
	size int64
	sum  [sha256.Size]byte
}

// sums returns the files at the top of dist, but for goreleaser's own notes, which
// have times, sorted by name.
func sums(dist string) (list []file, err error) {
	entries, err := os.ReadDir(dist)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		switch e.Name() {
		case "artifacts.json", "config.yaml", "metadata.json":
			continue
		}
		if e.IsDir() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dist, e.Name()))
		if err != nil {
			return nil, err
		}
		list = append(list, file{e.Name(), int64(len(b)), sha256.Sum256(b)})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: %w", dist, fs.ErrNotExist)
	}
	return list, nil
}

// compare returns the names of files that are not the same in both lists.
func compare(a, b []file) (differ []string) {
	in := func(list []file, f file) bool { return slices.Contains(list, f) }
	for _, f := range a {
		if !in(b, f) {
			differ = append(differ, f.name)
		}
	}
	for _, f := range b {
		if !in(a, f) && !slices.Contains(differ, f.name) {
			differ = append(differ, f.name)
		}
	}
	return differ
}

// copyFile copies a program.
func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, b, 0o755))
}
