package pulse

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/jfreymuth/pulse/proto"
)

// lookup returns a function that looks variables up in env.
func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
}

func TestAddresses(t *testing.T) {
	socket := func(paths ...string) (list []address) {
		for _, p := range paths {
			list = append(list, address{"unix", p})
		}
		return list
	}
	tests := []struct {
		server string
		env    map[string]string
		uid    int
		want   []address
	}{
		{"", nil, -1, nil},
		{"", nil, 7, socket("/run/user/7/pulse/native", "/var/run/pulse/native")},
		{"", map[string]string{"XDG_RUNTIME_DIR": "/x", "PULSE_RUNTIME_PATH": "/p"}, -1, socket("/p/native", "/x/pulse/native")},
		{"", map[string]string{"XDG_RUNTIME_DIR": ""}, -1, nil}, // not ./pulse/native
		{"", map[string]string{"XDG_RUNTIME_DIR": "x"}, -1, nil},
		{"", map[string]string{"PULSE_SERVER": "unix:/a", "XDG_RUNTIME_DIR": "/x"}, 7, socket("/a")},
		{"/b", map[string]string{"PULSE_SERVER": "unix:/a"}, 7, socket("/b")},
		{"{host}unix:/a tcp:h:1 tcp6:[::1] g", nil, 7, []address{{"unix", "/a"}, {"tcp", "h:1"}, {"tcp6", "[::1]:4713"}, {"tcp", "g:4713"}}},
		{"127.0.0.1:9 tcp4:1.2.3.4 ::1", nil, 7, []address{{"tcp", "127.0.0.1:9"}, {"tcp4", "1.2.3.4:4713"}, {"tcp", "[::1]:4713"}}},
		{"{half unix: tcp:", nil, 7, nil},
	}
	for _, tt := range tests {
		if got := addresses(tt.server, lookup(tt.env), tt.uid); !slices.Equal(got, tt.want) {
			t.Errorf("addresses(%q, %v, %d) = %v, want %v", tt.server, tt.env, tt.uid, got, tt.want)
		}
	}
}

func FuzzAddresses(f *testing.F) {
	f.Add("{host}unix:/a tcp:h:1 tcp6:[::1] g")
	f.Fuzz(func(t *testing.T, server string) {
		for _, a := range addresses(server, lookup(nil), 0) {
			if _, _, err := net.SplitHostPort(a.addr); a.network != "unix" && err != nil {
				t.Errorf("addresses(%q) has %v, which cannot be dialled: %v", server, a, err)
			}
		}
	})
}

func TestCookie(t *testing.T) {
	dir := t.TempDir()
	secret := bytes.Repeat([]byte("s"), cookieSize)
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, b, 0o600)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("home/.config/pulse/cookie", secret)
	short := write("short", secret[:9])
	none := make([]byte, cookieSize)
	tests := []struct {
		env  map[string]string
		want []byte
	}{
		{nil, none},
		{map[string]string{"PULSE_COOKIE": good}, secret},
		{map[string]string{"PULSE_COOKIE": short}, none},
		{map[string]string{"PULSE_COOKIE": dir + "/missing", "HOME": dir + "/home"}, secret},
		{map[string]string{"XDG_CONFIG_HOME": dir + "/home/.config"}, secret},
		{map[string]string{"HOME": dir}, none},
	}
	for _, tt := range tests {
		if got := cookie(lookup(tt.env)); !bytes.Equal(got, tt.want) {
			t.Errorf("cookie(%v) = %q, want %q", tt.env, got, tt.want)
		}
	}
}

// TestNoServer tells apart what a person must do different things about.
func TestNoServer(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	_, err := OpenMic(t.Context(), Config{Server: missing})
	if !errors.Is(err, ErrNoServer) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("OpenMic without a server: %v, want ErrNoServer and the cause", err)
	}
	_, err = OpenSpeaker(t.Context(), Config{Server: "{"})
	if !errors.Is(err, ErrNoServer) {
		t.Errorf("OpenSpeaker without an address: %v, want ErrNoServer", err)
	}
	t.Setenv("PULSE_SERVER", missing)
	if _, err = Mics(t.Context()); !errors.Is(err, ErrNoServer) {
		t.Errorf("Mics without a server: %v, want ErrNoServer", err)
	}
}

// TestMuteServer opens a server that accepts the connection and says nothing.
func TestMuteServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the user has gone")
	go func() {
		conn, err := ln.Accept()
		if err == nil {
			defer conn.Close()
			conn.Read(make([]byte, 1))
			cancel(reason)
			conn.Read(make([]byte, 1<<10)) // what is left
			conn.Read(make([]byte, 1))     // the end
		}
	}()
	if _, err := OpenMic(ctx, Config{Server: path}); !errors.Is(err, reason) {
		t.Errorf("OpenMic while the context is cancelled: %v, want %v", err, reason)
	}
}

func TestChoose(t *testing.T) {
	mics := []found{
		{Info{"speaker.monitor", "Monitor of Speaker", true}, true, false},
		{Info{"usb-1", "Yeti Stereo Microphone", false}, false, false},
		{Info{"pci-2", "Built-in Audio", false}, false, false},
	}
	withDefault := append([]found{{Info{"jack", "Headset", true}, false, false}}, mics[1:]...)
	tests := []struct {
		list []found
		want string
		name string // "" means that there is none
	}{
		{nil, "", ""},
		{nil, "usb-1", ""},
		{mics, "", "usb-1"}, // never a monitor unasked
		{withDefault, "", "jack"},
		{mics, "pci-2", "pci-2"},
		{mics, "speaker.monitor", "speaker.monitor"},
		{mics, "yeti", "usb-1"},
		{mics, "BUILT-IN", "pci-2"},
		{mics, "monitor", ""}, // not by a part of its description either
		{mics, "webcam", ""},
	}
	for _, tt := range tests {
		got, err := choose(tt.list, tt.want)
		if got != tt.name || (err == nil) != (tt.name != "") || err != nil && !errors.Is(err, ErrNotFound) {
			t.Errorf("choose(%v, %q) = %q, %v, want %q", tt.list, tt.want, got, err, tt.name)
		}
	}
}

func TestOpenError(t *testing.T) {
	tests := []struct {
		err  error
		is   error
		text string
	}{
		{proto.ErrNoSuchEntity, ErrNotFound, "record: no such device"},
		{proto.ErrEntityKilled, ErrGone, "record: device or sound server went away"},
		{proto.ErrAccessDenied, proto.ErrAccessDenied, "record: pulseaudio: access denied"},
	}
	for _, tt := range tests {
		if got := openError("record", tt.err); !errors.Is(got, tt.is) || got.Error() != tt.text {
			t.Errorf("openError(%v) = %q, want %q", tt.err, got, tt.text)
		}
	}
}
