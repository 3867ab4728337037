//go:build linux

// Command releaselab makes a release as people would download it, without releasing
// anything, and does with it what they do. It takes goreleaser, and as root also
// debootstrap and the static emulators of QEMU.
//
//	go run ./internal/lab/releaselab                   all of it
//	go run ./internal/lab/releaselab -dist dist        of a release that is there
//
// It prints
//
//	release    the files with their sizes; a second release from another clone must
//	           have the same bytes
//	binaries   those for Linux: no interpreter and no libraries, running in a root with
//	           nothing else in it, and how long the native one takes to start
//	package    the deb in a bare Debian: installed, its hub started as its unit does it,
//	           as its own user, with a member who joins; and removed
//	emulated   a headless call with members on other processors
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

// options are what the flags say.
type options struct {
	dist       string
	goreleaser string
	debian     string
	suite      string
}

func main() {
	var o options
	flag.StringVar(&o.dist, "dist", "", "use the release in this `folder`, and do not make another")
	flag.StringVar(&o.goreleaser, "goreleaser", "go run github.com/goreleaser/goreleaser/v2@v2.15.1", "`command` that runs goreleaser")
	flag.StringVar(&o.debian, "debian", "", "a bare Debian in this `folder`, which is copied (default: debootstrap makes one)")
	flag.StringVar(&o.suite, "suite", "bookworm", "which Debian debootstrap makes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "releaselab:", err)
		os.Exit(1)
	}
}

// run does all parts, and returns what is wrong with any of them.
func run(ctx context.Context, o options) error {
	work, err := os.MkdirTemp("", "releaselab")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	var errs []error
	if o.dist == "" {
		if o.dist, err = releaseTwice(ctx, o, work); o.dist == "" {
			return err
		}
		errs = append(errs, err)
	}
	list, err := readArtifacts(o.dist)
	if err != nil {
		return err
	}
	native, err := checkBinaries(ctx, list, work)
	errs = append(errs, err)
	if native != "" {
		errs = append(errs, checkPackage(ctx, o, list, native, work), checkCalls(ctx, list, native, work))
	}
	return errors.Join(errs...)
}

// command runs a command to its end, in dir if that is not empty. Its output is in
// the error.
func command(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// asRoot returns an error unless this process may make roots of others.
func asRoot(what string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%s: it takes the rights of root; run this with sudo", what)
	}
	return nil
}
