package pulse

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/jfreymuth/pulse/proto"
)

func TestQuoteArg(t *testing.T) {
	tests := []struct{ in, want string }{
		{"alsa_input.pci-0000_00_1f.3.analog-stereo", "alsa_input.pci-0000_00_1f.3.analog-stereo"},
		{"", `""`},
		{"my mic", `"my mic"`},
		{"mic aec_method=null", `"mic aec_method=null"`},
		{`a"b\c`, `"a\"b\\c"`},
		{"é", `"é"`},
	}
	for _, tt := range tests {
		if got := quoteArg(tt.in); got != tt.want {
			t.Errorf("quoteArg(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

// FuzzQuoteArg makes sure that no name of a device becomes another argument.
func FuzzQuoteArg(f *testing.F) {
	f.Add("mic")
	f.Add(`a"b\c d`)
	f.Fuzz(func(t *testing.T, s string) {
		q := quoteArg(s)
		if q == s {
			if strings.ContainsAny(q, " \t\n\"'\\") || q == "" {
				t.Errorf("quoteArg(%q) is %s", s, q)
			}
			return
		}
		var back []byte
		in := q[1 : len(q)-1]
		for i := 0; i < len(in); i++ {
			if in[i] == '"' {
				t.Fatalf("quoteArg(%q) = %s ends before its end", s, q)
			}
			if in[i] == '\\' {
				i++
			}
			back = append(back, in[i])
		}
		if string(back) != s {
			t.Errorf("quoteArg(%q) = %s, which means %q", s, q, back)
		}
	})
}

func TestParseEcho(t *testing.T) {
	e := &Echo{tag: "12_ab", devices: echoDevices{mic: "mic", speaker: "a speaker"}}
	methods := slices.Concat(echoMethods(false), echoMethods(true))
	tests := []struct {
		module, args string
		want         string // "" means that it is no Echo's
	}{
		{"module-null-sink", e.args(methods[0]), ""},
		{echoModule, "", ""},
		{echoModule, "source_name=s2c_mic_", ""},
		{echoModule, "source_name=echo sink_name=s2c_speaker_1", ""},
		{echoModule, "xsource_name=s2c_mic_1", ""},
	}
	for _, m := range methods {
		tests = append(tests, struct{ module, args, want string }{echoModule, e.args(m), "12_ab"})
	}
	for _, tt := range tests {
		if got, ok := parseEcho(tt.module, tt.args); got != tt.want || ok != (tt.want != "") {
			t.Errorf("parseEcho(%q, %q) = %q, %v, want %q", tt.module, tt.args, got, ok, tt.want)
		}
	}
}

// FuzzParseEcho makes sure that what is found is in the arguments.
func FuzzParseEcho(f *testing.F) {
	f.Add("source_name=s2c_mic_1_ab sink_name=x")
	f.Fuzz(func(t *testing.T, args string) {
		if tag, ok := parseEcho(echoModule, args); ok && (tag == "" || !strings.Contains(args, echoMic+tag)) {
			t.Errorf("parseEcho(%q) = %q", args, tag)
		}
	})
}

// A fakeServer answers some commands as a sound server does.
type fakeServer struct {
	modules []fakeModule
	owners  []string // tags of the clients
	refuse  int      // so many attempts to load a module fail

	mu       sync.Mutex
	commands []uint32
	loaded   []string // the arguments
	unloaded []uint32
}

type fakeModule struct {
	index      uint32
	name, args string
}

func stringArg(s string) []byte { return append(append([]byte{'t'}, s...), 0) }

// propsArg returns a list of one property.
func propsArg(name, value string) []byte {
	b := append([]byte{'P'}, stringArg(name)...)
	b = append(b, uint32Arg(uint32(len(value)+1))...)
	b = append(b, 'x')
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)+1))
	b = append(b, value...)
	return append(b, 0, 'N') // the value's end, the list's end
}

// serve answers until the connection ends.
func (f *fakeServer) serve(conn net.Conn) {
	header := make([]byte, headerSize)
	for {
		if _, err := io.ReadFull(conn, header); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(header))
		if _, err := io.ReadFull(conn, body); err != nil {
			return
		}
		op, tag := binary.BigEndian.Uint32(body[1:]), body[5:10]
		reply := binary.BigEndian.AppendUint32([]byte{'L'}, proto.OpReply)
		reply = append(reply, tag...)
		args, ok := f.answer(op, body[10:])
		if !ok {
			reply = binary.BigEndian.AppendUint32([]byte{'L'}, proto.OpError)
			reply = append(append(reply, tag...), uint32Arg(uint32(proto.ErrModuleInitializationFailed))...)
			args = nil
		}
		conn.Write(message(commandChannel, append(reply, args...)))
	}
}

// answer returns the arguments of the reply, or that the server refuses.
func (f *fakeServer) answer(op uint32, args []byte) (reply []byte, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commands = append(f.commands, op)
	switch op {
	case proto.OpGetModuleInfoList:
		for _, m := range f.modules {
			reply = slices.Concat(reply, uint32Arg(m.index), stringArg(m.name), stringArg(m.args), uint32Arg(0), propsArg("a", "b"))
		}
	case proto.OpGetClientInfoList:
		for i, tag := range f.owners {
			reply = slices.Concat(reply, uint32Arg(uint32(i)), stringArg("s2c"), uint32Arg(0), stringArg("driver"), propsArg(echoOwner, tag))
		}
	case proto.OpUnloadModule:
		f.unloaded = append(f.unloaded, binary.BigEndian.Uint32(args[1:]))
		return nil, !slices.Contains([]uint32{13}, f.unloaded[len(f.unloaded)-1])
	case proto.OpLoadModule:
		strs := bytes.Split(args, []byte{0})
		f.loaded = append(f.loaded, string(strs[1][1:]))
		return uint32Arg(77), len(f.loaded) > f.refuse
	}
	return reply, true
}

// fakeClient returns a client of f.
func fakeClient(t *testing.T, f *fakeServer) *client {
	ours, theirs := net.Pipe()
	c := &client{proto: &proto.Client{}, link: newLink(ours, func(error) {})}
	c.proto.SetTimeout(requestTimeout)
	c.proto.Open(c.link)
	c.proto.SetVersion(proto.Version(32))
	go f.serve(theirs)
	t.Cleanup(func() { theirs.Close() })
	return c
}

// TestLeftovers makes sure that what nobody owns is removed, and nothing else.
func TestLeftovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours := func(tag string) string { return (&Echo{tag: tag}).args(echoMethods(false)[0]) }
		f := &fakeServer{
			modules: []fakeModule{
				{1, "module-null-sink", "sink_name=s2c_mic_"},
				{2, echoModule, "source_name=theirs"},
				{3, echoModule, ours("3_a")},
				{4, echoModule, ours("4_a")},
				{13, echoModule, ours("13_a")}, // somebody else is quicker: an error
				{5, echoModule, ours("5_a")},
			},
			owners: []string{"4_a", "9_a"},
		}
		c := fakeClient(t, f)
		defer c.close()
		if err := c.removeLeftovers(); err != nil {
			t.Error(err)
		}
		if want := []uint32{3, 13, 5}; !slices.Equal(f.unloaded, want) {
			t.Errorf("modules %d were unloaded, want %d", f.unloaded, want)
		}
	})
}

// TestEchoFallback makes sure that a server without WebRTC's canceller is asked
// for another, and that the first refusal is told when all fail.
func TestEchoFallback(t *testing.T) {
	for refuse := range 8 {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeServer{refuse: refuse / 2}
			e := &Echo{tag: "1_a", pipeWire: refuse%2 == 1, client: fakeClient(t, f)}
			refuse := f.refuse
			defer e.client.close()
			err := e.loadModule()
			if methods := echoMethods(e.pipeWire); refuse < len(methods) {
				if err != nil || e.module != 77 || !strings.HasSuffix(f.loaded[refuse], methods[refuse]) {
					t.Errorf("after %d refusals %q is loaded: %v", refuse, f.loaded, err)
				}
				return
			}
			if !errors.Is(err, ErrNoEcho) || !errors.Is(err, proto.ErrModuleInitializationFailed) {
				t.Errorf("after %d refusals: %v, want ErrNoEcho and the reason", refuse, err)
			}
		})
	}
}

// TestEchoLost makes sure that the end of the server ends an Echo, and that
// Close may come after, and twice.
func TestEchoLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		e := &Echo{changed: make(chan struct{}, 1), stop: make(chan struct{})}
		e.client = &client{proto: &proto.Client{Callback: e.event}, link: newLink(ours, e.lost)}
		e.client.proto.SetTimeout(requestTimeout)
		e.client.proto.Open(e.client.link)
		e.watching.Go(e.watch)
		synctest.Wait()
		if err := e.Err(); err != nil {
			t.Errorf("Err() = %v", err)
		}
		theirs.Close()
		synctest.Wait()
		if err := e.Err(); !errors.Is(err, ErrGone) {
			t.Errorf("Err() after the server's end = %v, want ErrGone", err)
		}
		if err := errors.Join(e.Close(), e.Close()); err != nil {
			t.Error(err)
		}
		if err := e.Err(); errors.Is(err, os.ErrClosed) {
			t.Errorf("Err() after Close = %v, want the first reason", err)
		}
	})
}

func TestIsPrivate(t *testing.T) {
	tests := []struct {
		port, form string
		want       bool
	}{
		{"", "", false},
		{"analog-output-speaker", "internal", false},
		{"analog-output-headphones", "internal", true},
		{"[Out] Headphones", "", true}, // as ALSA's use case manager has it
		{"analog-output-lineout", "", false},
		{"hdmi-output-0", "", false},
		{"headset-output", "", true},
		{"", "headset", true},
		{"speaker-output", "headphone", true},
		{"", "hands-free", true},
		{"", "speaker", false},
	}
	for _, tt := range tests {
		if got := isPrivate(tt.port, tt.form); got != tt.want {
			t.Errorf("isPrivate(%q, %q) = %v, want %v", tt.port, tt.form, got, tt.want)
		}
	}
}
