// Package wine runs the Windows build of s2c on Linux, in a Wine of its own: a
// prefix in a temporary folder, which knows nothing of the person's.
//
// Wine 8 lacks two things that Go's programs need of Windows, so a Prefix has a
// bcryptprimitives.dll that hands on to the random numbers that Wine does have,
// and s2c.exe is built with a net package that does not ask a UDP socket for
// something that Wine does not know.
package wine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// tools are the programs that a Prefix is made with, and what they come in on
// Debian.
var tools = []struct{ name, from string }{
	{"wine", "wine and wine64"},
	{"wineserver", "wine"},
	{"x86_64-w64-mingw32-as", "binutils-mingw-w64-x86-64"},
	{"x86_64-w64-mingw32-ld", "binutils-mingw-w64-x86-64"},
}

// endTime is how long s2c.exe may take to end when it is told to.
const endTime = 5 * time.Second

// A Prefix is a Windows of its own with s2c.exe built for it.
type Prefix struct {
	Dir string // the folder that has all of it
	Exe string // s2c.exe

	env []string
}

// Prepare makes a Prefix in dir, a folder of this user with room for 700 MB,
// within seconds. The error says so when a program is not installed. The caller
// must call Close.
func Prepare(ctx context.Context, dir string) (*Prefix, error) {
	for _, t := range tools {
		if _, err := exec.LookPath(t.name); err != nil {
			return nil, fmt.Errorf("%w: it is in %s", err, t.from)
		}
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return nil, errors.New("wine: the lab has it for Linux on amd64 alone")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	p := &Prefix{Dir: dir, Exe: filepath.Join(dir, "s2c.exe"), env: environ(dir)}
	for _, sub := range []string{"home", "config", "state", "prefix"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	err = p.build(ctx)
	if err == nil {
		err = p.boot(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// environ returns the present environment without what leads to the person's own
// Wine, screen and sound, and with the folders of a Prefix in dir.
func environ(dir string) []string {
	return append(os.Environ(),
		"HOME="+dir+"/home", "WINEPREFIX="+dir+"/prefix", "WINEARCH=win64", "WINEDEBUG=-all",
		"WINEDLLOVERRIDES=mscoree,mshtml,winemenubuilder.exe=", // neither asks for downloads nor makes menus
		"DISPLAY=", "WAYLAND_DISPLAY=", "PULSE_SERVER=unix:"+dir+"/no-sound-here",
		"S2C_CONFIG="+Path(dir+"/config"), "S2C_STATE="+Path(dir+"/state"), "S2C_NO_SETUP=1")
}

// Sound says what the Prefix lacks to use a PulseAudio server, or returns nil.
func (p *Prefix) Sound() error {
	if _, err := os.Stat(filepath.Join(p.Dir, "prefix/drive_c/windows/system32/winepulse.drv")); err != nil {
		return fmt.Errorf("wine has no driver for PulseAudio, which is in libwine: %w", err)
	}
	return nil
}

// Path returns how Windows calls the file or folder at an absolute path.
func Path(path string) string { return "Z:" + strings.ReplaceAll(path, "/", `\`) }

// build builds s2c.exe, as it is released but for what Wine lacks.
func (p *Prefix) build(ctx context.Context) error {
	if err := p.overlay(ctx); err != nil {
		return err
	}
	return compile(ctx, "build", "-trimpath", "-ldflags", "-s -w", "-overlay", p.overlayPath(), "-o", p.Exe, "github.com/sanix-darker/s2c")
}

// compile runs a command of Go for Windows.
func compile(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=windows", "GOARCH=amd64")
	return run(cmd)
}

// overlayPath is of what go build is to be told of the net package for Wine.
func (p *Prefix) overlayPath() string { return filepath.Join(p.Dir, "overlay.json") }

// overlay writes Go's net package for Wine. Every UDP socket gets SIO_UDP_NETRESET,
// which Wine 8 refuses, and then fails; SIO_UDP_CONNRESET, which it has had just
// before, does no harm.
func (p *Prefix) overlay(ctx context.Context) error {
	const ask, instead = "windows.SIO_UDP_NETRESET", "syscall.SIO_UDP_CONNRESET"
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return err
	}
	from := filepath.Join(strings.TrimSpace(string(root)), "src/net/fd_windows.go")
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if bytes.Count(text, []byte(ask)) != 1 {
		return fmt.Errorf("%s is not the one that is known: see what it asks UDP sockets for", from)
	}
	to := filepath.Join(p.Dir, "fd_windows.go")
	if err := os.WriteFile(to, bytes.Replace(text, []byte(ask), []byte(instead), 1), 0o600); err != nil {
		return err
	}
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{from: to}})
	if err != nil {
		return err
	}
	return os.WriteFile(p.overlayPath(), list, 0o600)
}

// boot makes the prefix, with PulseAudio for all sound.
func (p *Prefix) boot(ctx context.Context) error {
	// What runs behind the programs stays until Close. It would take seconds to
	// start with each, and hold the output of the first.
	if err := p.tool(ctx, "wineserver", "-p"); err != nil {
		return err
	}
	if err := p.tool(ctx, "wine", "wineboot", "-i"); err != nil {
		return err
	}
	if err := p.stub(ctx, filepath.Join(p.Dir, "prefix/drive_c/windows/system32")); err != nil {
		return err
	}
	if err := p.tool(ctx, "wine", "reg", "add", `HKCU\Software\Wine\Drivers`, "/v", "Audio", "/d", "pulse", "/f"); err != nil {
		return err
	}
	return p.tool(ctx, "wine", "regsvr32", "/s", "mmdevapi.dll")
}

// tool runs a command of Wine to its end, its output in a log: it may start others,
// which hold what they inherit.
func (p *Prefix) tool(ctx context.Context, name string, args ...string) error {
	log, err := os.OpenFile(filepath.Join(p.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, log, log
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, text)
	}
	return nil
}

// prng is a module definition: what Go's runtime takes its random numbers from
// is what Windows had before it under another name. Both take a buffer and its
// length and return a bool.
const prng = `LIBRARY bcryptprimitives.dll
EXPORTS
	ProcessPrng = advapi32.SystemFunction036
`

// stub puts a bcryptprimitives.dll without any code into a folder.
func (p *Prefix) stub(ctx context.Context, dir string) error {
	def, none, object := filepath.Join(p.Dir, "prng.def"), filepath.Join(p.Dir, "none.s"), filepath.Join(p.Dir, "none.o")
	if err := errors.Join(os.WriteFile(def, []byte(prng), 0o600), os.WriteFile(none, nil, 0o600)); err != nil {
		return err
	}
	if err := run(exec.CommandContext(ctx, "x86_64-w64-mingw32-as", "-o", object, none)); err != nil {
		return err
	}
	dll := filepath.Join(dir, "bcryptprimitives.dll")
	return run(exec.CommandContext(ctx, "x86_64-w64-mingw32-ld", "-shared", "-e", "0", "-o", dll, def, object))
}

// run runs a command, whose output is in the error.
func run(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, out)
	}
	return nil
}

// Command returns a command that runs s2c.exe, with extra at the end of its
// environment. When ctx ends it gets what Ctrl+C is in a console, as SIGINT does
// it at any time, and is killed when it does not heed it.
func (p *Prefix) Command(ctx context.Context, extra []string, args ...string) *exec.Cmd {
	return p.command(ctx, p.Exe, extra, args)
}

// Tests builds the tests of a package, and returns a command like Command's that
// runs them.
func (p *Prefix) Tests(ctx context.Context, pkg string, extra []string, args ...string) (*exec.Cmd, error) {
	exe := filepath.Join(p.Dir, "test.exe")
	if err := compile(ctx, "test", "-c", "-overlay", p.overlayPath(), "-o", exe, pkg); err != nil {
		return nil, err
	}
	return p.command(ctx, exe, extra, args), nil
}

func (p *Prefix) command(ctx context.Context, exe string, extra, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "wine", append([]string{exe}, args...)...)
	cmd.Env = slices.Concat(p.env, extra)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = endTime
	return cmd
}

// Close ends all that runs in the Prefix and removes its folder.
func (p *Prefix) Close() error {
	cmd := exec.Command("wineserver", "-k") // returns when it has ended
	cmd.Env = p.env
	_ = cmd.Run() // an error means that none ran
	return os.RemoveAll(p.Dir)
}
