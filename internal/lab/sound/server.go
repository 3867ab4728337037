// Package sound is the part of the lab that can be heard: private PulseAudio
// and PipeWire servers with a virtual microphone and a virtual loudspeaker, and
// a ruler for the time between one machine's mouth and another's ear. It needs
// no sound card and disturbs no server that is already running.
//
// Each Server has:
//
//	sink   "speaker"  whose monitor "speaker.monitor" is what a listener hears
//	sink   "room"     whatever is played into it ...
//	source "mic"      ... is what the microphone picks up
//
// "speaker" and "mic" are the defaults, so a program finds them without naming any.
package sound

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

// A Kind is a sort of sound server.
type Kind string

// The servers the lab can start.
const (
	Pulse    Kind = "pulse"    // needs pulseaudio
	PipeWire Kind = "pipewire" // needs pipewire, pipewire-pulse, wireplumber and dbus-daemon
)

// Names of a Server's devices.
const (
	Speaker        = "speaker"         // the default sink
	SpeakerMonitor = "speaker.monitor" // a source: what the loudspeaker plays
	Room           = "room"            // a sink: what is played into it, the microphone hears
	RoomMonitor    = "room.monitor"    // a source: what is in the room
	Mic            = "mic"             // the default source
)

// Descriptions of the devices, for those who look them up by a part of them.
const (
	SpeakerDescription = "LabSpeaker"
	MicDescription     = "LabMicrophone"
)

// ErrEnded is in the error of a Server one of whose programs has ended by itself.
// PipeWire 0.3 has crashes of its own.
var ErrEnded = errors.New("ended")

// How long the steps of starting and stopping may take. They are generous: the
// lab runs on busy machines.
const (
	startTimeout = 15 * time.Second
	stopTimeout  = 3 * time.Second
	pollEvery    = 20 * time.Millisecond

	controlTimeout = 10 * time.Second // of everything that is asked at a time
	cookieSize     = 256              // bytes; the server wants so many and looks at none
)

// maxSocketPath is what fits in a sockaddr_un with its final zero.
const maxSocketPath = 107

// A Server is a running sound server with its own directory, socket and
// processes. One goroutine uses it.
type Server struct {
	dir   string
	kind  Kind
	env   []string
	procs []*process // in the order in which they were started
}

// Start starts a server of the given kind in dir, which must exist and have a
// short path (a socket is made in it), and returns when its devices are there.
// The error says so when a program is not installed. The caller must call Stop.
func Start(dir string, kind Kind) (*Server, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, kind: kind, env: environ(dir)}
	if path := s.path("xdg/pipewire-0-manager.lock"); len(path) > maxSocketPath {
		return nil, fmt.Errorf("start sound server in %s: the path is too long for a socket", dir)
	}
	for _, d := range []string{"run", "state", "xdg", "config", "home"} {
		if err := os.MkdirAll(s.path(d), 0o700); err != nil {
			return nil, err
		}
	}
	if err = s.start(); err != nil {
		err = fmt.Errorf("start %s sound server: %w%s", kind, err, s.tail())
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// start starts the programs and waits for the devices.
func (s *Server) start() error {
	switch s.kind {
	case Pulse:
		return s.startPulse()
	case PipeWire:
		return s.startPipeWire()
	default:
		return errors.New("unknown kind")
	}
}

// Address returns where the server listens, as PULSE_SERVER takes it.
func (s *Server) Address() string { return "unix:" + s.path("pulse.sock") }

// Env returns the environment of a program that is to use this server: the
// present one with the variables that matter replaced.
func (s *Server) Env() []string {
	return append(slices.Clip(s.env), "PULSE_SERVER="+s.Address())
}

// Stop ends the server and waits for its processes. It may be called twice.
func (s *Server) Stop() error {
	var errs []error
	for _, p := range slices.Backward(s.procs) {
		errs = append(errs, p.stop())
	}
	return errors.Join(errs...)
}

// Kill ends the server as a crash does, without a chance to say goodbye, and
// waits for its processes. Stop is still to be called.
func (s *Server) Kill() {
	for _, p := range slices.Backward(s.procs) {
		p.kill()
	}
}

// Unload removes the sink of that name from the server, as pulling the plug of
// a device does. Speaker and Room may be named; Mic goes as well with Room.
func (s *Server) Unload(sink string) error {
	return s.control(func(c *proto.Client) error {
		var list proto.GetSinkInfoListReply
		if err := c.Request(&proto.GetSinkInfoList{}, &list); err != nil {
			return err
		}
		for _, info := range list {
			if info.SinkName == sink {
				return c.Request(&proto.UnloadModule{ModuleIndex: info.ModuleIndex}, nil)
			}
		}
		return fmt.Errorf("no sink %s", sink)
	})
}

// UnloadMic removes the microphone from the server.
func (s *Server) UnloadMic() error { return s.UnloadSource(Mic) }

// UnloadSource removes the source of that name from the server.
func (s *Server) UnloadSource(name string) error {
	return s.control(func(c *proto.Client) error {
		var info proto.GetSourceInfoReply
		req := &proto.GetSourceInfo{SourceIndex: proto.Undefined, SourceName: name}
		if err := c.Request(req, &info); err != nil {
			return err
		}
		return c.Request(&proto.UnloadModule{ModuleIndex: info.ModuleIndex}, nil)
	})
}

// SuspendMic suspends the microphone or lets it go on.
func (s *Server) SuspendMic(suspend bool) error {
	return s.control(func(c *proto.Client) error {
		return c.Request(&proto.SuspendSource{SourceIndex: proto.Undefined, SourceName: Mic, Suspend: suspend}, nil)
	})
}

// Leak lets the microphone hear what the speaker plays, so much later, as it is
// in a room without a headset.
func (s *Server) Leak(delay time.Duration) error {
	return s.load("module-loopback source=" + SpeakerMonitor + " sink=" + Room +
		" source_dont_move=true sink_dont_move=true latency_msec=" + strconv.FormatInt(delay.Milliseconds(), 10))
}

// AddMic adds a microphone of that name which hears the room, as Mic does. It
// does not become the default.
func (s *Server) AddMic(name string) error {
	return s.load("module-remap-source source_name=" + name + " master=" + RoomMonitor +
		" channels=1 channel_map=mono source_properties=device.description=" + name)
}

// AddSpeaker adds a speaker of that name. It does not become the default.
func (s *Server) AddSpeaker(name string) error {
	return s.load("module-null-sink norewinds=1 sink_name=" + name + " rate=48000 channels=2 sink_properties=device.description=" + name)
}

// AddHeadset adds a speaker of that name which says that it is a headset. It does
// not become the default.
func (s *Server) AddHeadset(name string) error {
	return s.load("module-null-sink norewinds=1 sink_name=" + name + " rate=48000 channels=2" +
		" sink_properties='device.description=" + name + " device.form_factor=headset'")
}

// AddCanceller adds an echo canceller of the server's own to the devices, whose
// microphone has that name.
func (s *Server) AddCanceller(name string) error {
	return s.load("module-echo-cancel source_name=" + name + " sink_name=" + name + "_speaker source_master=" + Mic + " sink_master=" + Speaker)
}

// SetDefault makes a microphone and a speaker the defaults, and returns when the
// server says that they are; an empty name leaves what there is.
func (s *Server) SetDefault(mic, speaker string) error {
	return s.poll("its new defaults", func() error {
		return s.control(func(c *proto.Client) error { return setDefault(c, mic, speaker) })
	})
}

// setDefault asks for defaults and fails unless they have been taken. PipeWire
// takes its time, and forgets what it was asked for while it has news of devices.
func setDefault(c *proto.Client, mic, speaker string) error {
	if mic != "" {
		if err := c.Request(&proto.SetDefaultSource{SourceName: mic}, nil); err != nil {
			return fmt.Errorf("choose source: %w", err)
		}
	}
	if speaker != "" {
		if err := c.Request(&proto.SetDefaultSink{SinkName: speaker}, nil); err != nil {
			return fmt.Errorf("choose sink: %w", err)
		}
	}
	var info proto.GetServerInfoReply
	if err := c.Request(&proto.GetServerInfo{}, &info); err != nil {
		return err
	}
	if mic != "" && info.DefaultSourceName != mic || speaker != "" && info.DefaultSinkName != speaker {
		return fmt.Errorf("the defaults are %q and %q", info.DefaultSinkName, info.DefaultSourceName)
	}
	return nil
}

// Modules lists the server's modules, each with its arguments.
func (s *Server) Modules() ([]string, error) {
	var list []string
	err := s.control(func(c *proto.Client) error {
		var reply proto.GetModuleInfoListReply
		err := c.Request(&proto.GetModuleInfoList{}, &reply)
		for _, m := range reply {
			list = append(list, m.ModuleName+" "+m.ModuleArgs)
		}
		return err
	})
	return list, err
}

// load loads a module, named with its arguments.
func (s *Server) load(module string) error {
	return s.control(func(c *proto.Client) error { return loadModule(c, module) })
}

func loadModule(c *proto.Client, module string) error {
	name, args, _ := strings.Cut(module, " ")
	if err := c.Request(&proto.LoadModule{Name: name, Args: args}, &proto.LoadModuleReply{}); err != nil {
		return fmt.Errorf("load %s: %w", name, err)
	}
	return nil
}

// Restart starts the server again after Stop or Kill, at the same address and
// with its first devices, and returns when they are there.
func (s *Server) Restart() error {
	for _, p := range s.procs {
		if !p.ended() {
			return fmt.Errorf("restart %s sound server: %s still runs", s.kind, p.name)
		}
	}
	s.procs = nil
	for _, dir := range []string{"run", "xdg"} { // sockets and locks, which say that it runs
		if err := os.RemoveAll(s.path(dir)); err != nil {
			return err
		}
		if err := os.MkdirAll(s.path(dir), 0o700); err != nil {
			return err
		}
	}
	_ = os.Remove(s.path("pulse.sock")) // PipeWire removes it itself
	if err := s.start(); err != nil {
		return fmt.Errorf("restart %s sound server: %w%s", s.kind, err, s.tail())
	}
	return nil
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

// startPulse starts a PulseAudio daemon that loads nothing but our devices.
func (s *Server) startPulse() error {
	err := s.spawn("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1",
		"--disallow-exit=yes", "--use-pid-file=no", "--log-target=stderr", "--realtime=yes", "--high-priority=yes",
		"--disable-shm=yes",
		"-L", "module-native-protocol-unix socket="+s.path("pulse.sock")+" auth-anonymous=1",
		"-L", "module-null-sink "+speakerArgs,
		"-L", "module-null-sink "+roomArgs,
		"-L", "module-remap-source "+micArgs)
	if err != nil {
		return err
	}
	return s.ready(nil)
}

// The arguments of the modules that make the devices.
const (
	speakerArgs = "norewinds=1 sink_name=" + Speaker + " rate=48000 channels=2 sink_properties=device.description=" + SpeakerDescription
	roomArgs    = "norewinds=1 sink_name=" + Room + " rate=48000 channels=1 channel_map=mono sink_properties=device.description=LabRoom"
	micArgs     = "source_name=" + Mic + " master=" + RoomMonitor + " channels=1 channel_map=mono" +
		" source_properties=device.description=" + MicDescription
)

// startPipeWire starts PipeWire with its PulseAudio half and without the
// host's hardware. WirePlumber ends at once without a session bus, so it gets
// one of its own.
func (s *Server) startPipeWire() error {
	if err := s.writePipeWireConfig(); err != nil {
		return err
	}
	bus := "unix:path=" + s.path("xdg/bus")
	s.env = append(s.env, "DBUS_SESSION_BUS_ADDRESS="+bus)
	if err := s.spawn("dbus-daemon", "--session", "--nofork", "--nopidfile", "--address="+bus); err != nil {
		return err
	}
	if err := s.waitFile("xdg/bus"); err != nil {
		return err
	}
	if err := s.spawn("pipewire"); err != nil {
		return err
	}
	if err := s.waitFile("xdg/pipewire-0"); err != nil {
		return err
	}
	if err := s.spawn("wireplumber"); err != nil {
		return err
	}
	if err := s.spawn("pipewire-pulse"); err != nil {
		return err
	}
	return s.ready([]string{"module-null-sink " + speakerArgs, "module-null-sink " + roomArgs, "module-remap-source " + micArgs})
}

func (s *Server) writePipeWireConfig() error {
	files := map[string]string{
		"pipewire/pipewire-pulse.conf.d/lab.conf": `pulse.properties = { server.address = [ "` + s.Address() + `" ] }`,
		// nothing of the host's hardware; where systemd does not run, the
		// wait for logind would end WirePlumber
		"wireplumber/main.lua.d/60-lab.lua": "alsa_monitor.enabled = false\nv4l2_monitor.enabled = false",
		"wireplumber/bluetooth.lua.d/60-lab.lua": "bluez_monitor.properties[\"with-logind\"] = false\n" +
			"bluez_monitor.enabled = false",
		"wireplumber/wireplumber.conf.d/60-lab.conf": "wireplumber.profiles = { main = {\n" +
			"hardware.audio = disabled\nhardware.bluetooth = disabled\nhardware.video-capture = disabled\n} }",
	}
	for name, text := range files {
		name = filepath.Join(s.dir, "config", name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(text+"\n"), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// ready waits for the server to answer, loads the modules, and returns when
// our devices are there and are the defaults.
func (s *Server) ready(modules []string) error {
	return s.poll("its devices", func() error {
		return s.control(func(c *proto.Client) error {
			for len(modules) > 0 {
				if err := loadModule(c, modules[0]); err != nil {
					return err
				}
				modules = modules[1:]
			}
			return setDefault(c, Mic, Speaker)
		})
	})
}

// control runs f with a connection to the server. It uses the library alone, so
// that the lab does not rest on the package that it tests.
func (s *Server) control(f func(*proto.Client) error) error {
	conn, err := net.DialTimeout("unix", s.path("pulse.sock"), controlTimeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	// a server that hangs must not take a test with it
	if err := conn.SetDeadline(time.Now().Add(controlTimeout)); err != nil {
		return err
	}
	c := &proto.Client{}
	c.SetTimeout(controlTimeout)
	c.Open(conn)
	var auth proto.AuthReply
	if err := c.Request(&proto.Auth{Version: c.Version(), Cookie: make([]byte, cookieSize)}, &auth); err != nil {
		return err
	}
	c.SetVersion(auth.Version)
	name := proto.PropList{"application.name": proto.PropListString("lab")}
	if err := c.Request(&proto.SetClientName{Props: name}, &proto.SetClientNameReply{}); err != nil {
		return err
	}
	return f(c)
}

func (s *Server) waitFile(name string) error {
	return s.poll(name, func() error {
		_, err := os.Stat(s.path(name))
		return err
	})
}

// poll calls f until it succeeds, a process ends, or the time is over.
func (s *Server) poll(what string, f func() error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for end := time.Now().Add(startTimeout); ; <-tick.C {
		err := f()
		if err == nil {
			return nil
		}
		for _, p := range s.procs {
			if p.ended() {
				return fmt.Errorf("%s %w (waiting for %s)", p.name, ErrEnded, what)
			}
		}
		if time.Now().After(end) {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
	}
}

// spawn starts a program of the server, its output in a log.
func (s *Server) spawn(name string, args ...string) error {
	path, err := exec.LookPath(name)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, log, log
	p, err := startProcess(name, cmd)
	if err != nil {
		return err
	}
	s.procs = append(s.procs, p)
	return nil
}

// tail returns the end of the server's log, for an error.
func (s *Server) tail() string {
	b, err := os.ReadFile(s.path("log"))
	if err != nil || len(b) == 0 {
		return ""
	}
	return "\n" + string(b[max(0, len(b)-1500):])
}
