//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// endTime is how long a hub may take to end.
const endTime = 5 * time.Second

// checkPackage installs the deb of this machine's processor in a bare Debian, starts
// its hub as its unit does it, has a member join there, and removes it.
func checkPackage(ctx context.Context, o options, list []artifact, native, work string) error {
	fmt.Println("package")
	var deb string
	for _, a := range list {
		if a.Type == "Linux Package" && a.Extra.Format == "deb" && runsHere(a.Arch) && a.Arch != "386" {
			deb = a.Path
		}
	}
	if deb == "" {
		return errors.New("there is no deb for this machine")
	}
	root := filepath.Join(work, "debian")
	var err error
	if o.debian != "" {
		_, err = command(ctx, "", "cp", "-a", o.debian, root)
	} else {
		_, err = command(ctx, "", "debootstrap", "--variant=minbase", o.suite, root)
	}
	if err != nil {
		return err
	}
	before, err := tree(root)
	if err != nil {
		return err
	}
	if err := copyFile(deb, filepath.Join(root, "tmp/s2c.deb")); err != nil {
		return err
	}
	in := func(args ...string) (string, error) {
		return command(ctx, "", "chroot", append([]string{root, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, args...)...)
	}
	if _, err := in("dpkg", "-i", "/tmp/s2c.deb"); err != nil {
		return err
	}
	size, err := in("dpkg-query", "-W", "-f", "${Version}, ${Installed-Size} kB", "s2c")
	if err != nil {
		return err
	}
	fmt.Printf("  %s: installed, %s\n", filepath.Base(deb), size)
	if err := serveFrom(ctx, root, native, work); err != nil {
		return err
	}
	if _, err := in("dpkg", "-r", "s2c"); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(root, "var/lib/s2c/hub_key")); err != nil {
		return fmt.Errorf("removing the package took the hub's key: %w", err)
	}
	if _, err := in("dpkg", "-P", "s2c"); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(root, "tmp/s2c.deb")); err != nil {
		return err
	}
	after, err := tree(root)
	if err != nil {
		return err
	}
	var left []string
	for path := range after {
		if !before[path] && !strings.HasPrefix(path, "var/lib/dpkg/") && !strings.HasPrefix(path, "var/log/") && !strings.HasPrefix(path, "etc/") {
			left = append(left, path)
		}
	}
	fmt.Printf("  removed; its key stayed until it was purged; files left: %d %s\n", len(left), strings.Join(left, " "))
	for path := range after {
		if strings.HasPrefix(path, "etc/") && !before[path] && !strings.HasSuffix(path, "-") { // copies of the lists of users
			left = append(left, path)
		}
	}
	for path := range before {
		if !after[path] {
			left = append(left, "-"+path)
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("the package left or took %s", strings.Join(left, ", "))
	}
	return nil
}

// tree returns the paths of all files below root.
func tree(root string) (map[string]bool, error) {
	paths := make(map[string]bool)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		paths[rel] = true
		if d.IsDir() && (rel == "proc" || rel == "sys" || rel == "dev") {
			return fs.SkipDir
		}
		return err
	})
	return paths, err
}

// A unit is what the package's unit of systemd says of the hub.
type unit struct {
	exec  []string
	user  string
	env   []string
	state string // of the folder that systemd makes below /var/lib
}

// readUnit reads the unit that was installed.
func readUnit(root string) (u unit, err error) {
	b, err := os.ReadFile(filepath.Join(root, "usr/lib/systemd/system/s2c.service"))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(b)) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), "="); name {
		case "ExecStart":
			u.exec = strings.Fields(value)
		case "User":
			u.user = value
		case "Environment":
			u.env = append(u.env, strings.ReplaceAll(value, "%S", "/var/lib"))
		case "StateDirectory":
			u.state = value
		}
	}
	if len(u.exec) == 0 || u.user == "" || u.state == "" {
		return u, fmt.Errorf("the unit has the command %q, the user %q and the state %q", u.exec, u.user, u.state)
	}
	return u, nil
}

// ids returns the numbers of a user in the root's list.
func ids(root, user string) (uid, gid uint32, err error) {
	b, err := os.ReadFile(filepath.Join(root, "etc/passwd"))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Split(line, ":"); len(f) > 3 && f[0] == user {
			u, errU := strconv.ParseUint(f[2], 10, 32)
			g, errG := strconv.ParseUint(f[3], 10, 32)
			return uint32(u), uint32(g), errors.Join(errU, errG)
		}
	}
	return 0, 0, fmt.Errorf("the package made no user %s", user)
}

// serveFrom starts the hub that is installed in root as its unit does it, and has a
// member join there from outside.
func serveFrom(ctx context.Context, root, native, work string) error {
	u, err := readUnit(root)
	if err != nil {
		return err
	}
	uid, gid, err := ids(root, u.user)
	if err != nil {
		return err
	}
	state := filepath.Join(root, "var/lib", u.state)
	if err := errors.Join(os.MkdirAll(state, 0o700), os.Chown(state, int(uid), int(gid))); err != nil {
		return err
	}
	hub := exec.CommandContext(ctx, u.exec[0], u.exec[1:]...)
	hub.Dir = "/"
	// What /etc/s2c/server.env would say.
	hub.Env = append(u.env, "S2C_ADDRESS=127.0.0.1", "S2C_PORT=0")
	hub.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	out, err := hub.StderrPipe()
	if err != nil {
		return err
	}
	if err := hub.Start(); err != nil {
		return err
	}
	addr, err := hubAddress(out)
	if err == nil {
		fmt.Printf("  %s runs as user %s, number %d\n", strings.Join(u.exec, " "), u.user, uid)
		err = visit(ctx, native, addr, filepath.Join(work, "visitor"))
	}
	_ = hub.Process.Signal(syscall.SIGTERM) // it may have ended
	kill := time.AfterFunc(endTime, func() { _ = hub.Process.Kill() })
	defer kill.Stop()
	return errors.Join(err, hub.Wait())
}

// visit joins a hub and leaves it.
func visit(ctx context.Context, exe, addr, dir string) error {
	m, err := join(ctx, []string{exe}, dir, "ann", addr, "--camera", "none", "--mic", "none")
	if err != nil {
		return err
	}
	defer m.end()
	if _, err := m.await(ctx, "welcome", func(e event) bool { return e.Event == "welcome" }); err != nil {
		return err
	}
	fmt.Println("  a member joined")
	return m.leave()
}
