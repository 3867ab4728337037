//go:build linux

package main

import (
	"bufio"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// maxSize is the most that the binary for amd64 may have.
	maxSize = 16_000_000

	// maxStart is the longest that a start may take, at the median.
	maxStart = 100 * time.Millisecond

	starts = 21 // of each kind
)

// emulators are of what Go calls processors, for those that this machine is not.
var emulators = map[string]string{
	"amd64": "qemu-x86_64-static", "arm64": "qemu-aarch64-static", "arm": "qemu-arm-static", "386": "qemu-i386-static", "riscv64": "qemu-riscv64-static",
}

// runsHere reports whether this machine runs programs for arch itself.
func runsHere(arch string) bool {
	return arch == runtime.GOARCH || arch == "386" && runtime.GOARCH == "amd64"
}

// checkBinaries checks the programs for Linux and returns the path of the native one.
func checkBinaries(ctx context.Context, list []artifact, work string) (native string, err error) {
	fmt.Println("binaries")
	if err := asRoot("binaries in an empty root"); err != nil {
		return "", err
	}
	var errs []error
	for _, a := range list {
		if !a.isBinary() {
			continue
		}
		info, err := os.Stat(a.Path)
		if err != nil {
			return "", err
		}
		if a.Arch == runtime.GOARCH {
			native = a.Path
		}
		if a.Arch == "amd64" && info.Size() > maxSize {
			errs = append(errs, fmt.Errorf("the binary for amd64 has %d bytes, want %d at most", info.Size(), maxSize))
		}
		err = isStatic(a.Path)
		said := "is not static"
		if err == nil {
			said, err = inEmptyRoot(ctx, a, filepath.Join(work, "empty-"+a.Arch))
		}
		errs = append(errs, err)
		fmt.Printf("  %-8s %9d bytes, static, in an empty root: %s\n", a.Arch, info.Size(), said)
	}
	if native == "" {
		return "", errors.Join(append(errs, fmt.Errorf("no binary for %s", runtime.GOARCH))...)
	}
	return native, errors.Join(append(errs, measureStarts(ctx, native, work))...)
}

// isStatic returns an error if a program needs a loader or libraries.
func isStatic(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s has an interpreter", path)
		}
	}
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 {
		return fmt.Errorf("%s needs %v: %w", path, libraries, err)
	}
	return nil
}

// inEmptyRoot runs a program in a root that has nothing but it, and its emulator
// where it needs one, and returns what it says of its version.
func inEmptyRoot(ctx context.Context, a artifact, root string) (string, error) {
	if err := copyFile(a.Path, filepath.Join(root, "s2c")); err != nil {
		return "", err
	}
	args := []string{"/s2c", "--version"}
	if !runsHere(a.Arch) {
		path, err := exec.LookPath(emulators[a.Arch])
		if err != nil {
			return "not tried", fmt.Errorf("%w: it is in qemu-user-static", err)
		}
		if err := copyFile(path, filepath.Join(root, "emulator")); err != nil {
			return "", err
		}
		args = slices.Insert(args, 0, "/emulator")
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = "/", []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s in an empty root: %w\n%s", a.Arch, err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// measureStarts prints how long s2c takes to print its version, and until a hub
// listens: with a key that is there, and with one that it makes.
func measureStarts(ctx context.Context, exe, work string) error {
	kept := filepath.Join(work, "state")
	var errs []error
	for _, m := range []struct {
		what string
		once func(i int) error
	}{
		{"s2c --version", func(int) error { _, err := command(ctx, "", exe, "--version"); return err }},
		{"s2c server, with a key", func(int) error { return startHub(ctx, exe, kept) }},
		{"s2c server, its first start", func(i int) error { return startHub(ctx, exe, fmt.Sprint(kept, i)) }},
	} {
		var times []time.Duration
		for i := range starts + 1 { // the first one is not counted
			begin := time.Now()
			if err := m.once(i); err != nil {
				return err
			}
			times = append(times, time.Since(begin))
		}
		times = times[1:]
		slices.Sort(times)
		median := times[len(times)/2]
		fmt.Printf("  %-28s %6.1f ms at the median of %d, %.1f at most\n", m.what, ms(median), len(times), ms(times[len(times)-1]))
		if median > maxStart {
			errs = append(errs, fmt.Errorf("%s takes %v, want %v at most", m.what, median, maxStart))
		}
	}
	return errors.Join(errs...)
}

// ms returns d in milliseconds.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// startHub starts a hub, waits until it listens, and kills it.
func startHub(ctx context.Context, exe, state string) error {
	cmd := exec.CommandContext(ctx, exe, "server", "--address", "127.0.0.1", "-p", "0")
	cmd.Env = append(os.Environ(), "S2C_STATE="+state)
	out, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	_, err = hubAddress(out)
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // killed
	return err
}

// hubAddress reads what a hub says until it says where it listens.
func hubAddress(out io.Reader) (string, error) {
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if a, ok := strings.CutPrefix(lines.Text(), "s2c: hub on "); ok {
			return a, nil
		}
		said.WriteString(lines.Text() + "\n")
	}
	return "", fmt.Errorf("the hub did not start; it said:\n%s", &said)
}
