package pulse

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

// What OpenEcho returns besides ErrNoServer and ErrNotFound.
var (
	// ErrNoEcho means that the server has no echo canceller for us, or must
	// not load one. What is left is a headset.
	ErrNoEcho = errors.New("the sound server cannot cancel echo")

	// ErrHasEcho means that the microphone is an echo canceller already, which
	// another one would only harm.
	ErrHasEcho = errors.New("the microphone cancels echo already")
)

// EchoConfig says between which devices echo is cancelled.
type EchoConfig struct {
	Mic     string // as Config.Device
	Speaker string // as Config.Device
	Server  string // as Config.Server
}

// An Echo is the sound server's echo canceller, loaded for one microphone and
// one speaker: it takes what the speaker plays out of what the microphone hears,
// suppresses noise and evens out the loudness.
//
//	Mic <- source "s2c_mic_TAG"     <- canceller <- microphone
//	Speaker -> sink "s2c_speaker_TAG" -> canceller -> speaker
//
// A Mic and a Speaker use it through Config.Echo. It ends by itself, and they
// with it, when one of the devices goes away, or was the default and is not any
// more, or when headphones are plugged in or out; Err then says why. Any
// goroutine may call its methods.
//
// What headphones play is not heard in the room. While they are the speaker,
// nothing is loaded, and Mic and Speaker use the devices themselves.
//
// The server keeps the canceller of a process that was killed. The next OpenEcho,
// of whichever process, removes those whose process is not connected any more.
type Echo struct {
	// Set by OpenEcho.
	cfg      EchoConfig
	tag      string // unique; part of the names and told to the server as ours
	devices  echoDevices
	pipeWire bool // the server is PipeWire
	module   uint32
	client   *client

	changed  chan struct{} // of length 1, never closed: the server's devices may have
	stop     chan struct{} // closed by Close
	watching sync.WaitGroup
	once     sync.Once // of the end of the module

	mu sync.Mutex

	// Guarded by mu.
	err   error                // why it ended; final
	users map[*stream]struct{} // end with it
}

// echoDevices are the devices of an Echo.
type echoDevices struct {
	mic, speaker string // their names
	private      bool   // the speaker is headphones
}

const (
	echoModule  = "module-echo-cancel"
	echoMic     = "s2c_mic_"     // and the tag: what the source is called
	echoSpeaker = "s2c_speaker_" // and the tag: what the sink is called
	echoOwner   = "s2c.echo"     // the property of a connection that has the tag
)

// checkEvery is how often the devices are looked at without a reason. A server
// with much to do may tell of a change before it has made it.
const checkEvery = 2 * time.Second

// echoMethods returns the arguments that choose how echo is cancelled, best
// first. A server need not be built with each, nor know the arguments of webrtc.
//
// Gain is digital: the analog one moves the person's own volume. PipeWire's is
// left off, as its authors do: it spoils how the echo's delay is found. Noise is
// suppressed though that takes 6 ms: without it, half of PulseAudio's cancellation
// of echo is gone.
func echoMethods(pipeWire bool) []string {
	if pipeWire {
		return []string{
			`aec_method=webrtc aec_args="webrtc.gain_control=false webrtc.noise_suppression=true webrtc.high_pass_filter=true"`,
			`aec_method=webrtc`,
		}
	}
	return []string{
		`aec_method=webrtc aec_args="analog_gain_control=0 digital_gain_control=1 noise_suppression=1 high_pass_filter=1"`,
		`aec_method=webrtc`,
		`aec_method=speex`,
	}
}

// OpenEcho loads the canceller, and removes those that dead processes have left
// behind. ctx bounds the opening only. The error wraps ErrNoEcho, ErrHasEcho,
// ErrNoServer or ErrNotFound.
func OpenEcho(ctx context.Context, c EchoConfig) (*Echo, error) {
	e := &Echo{cfg: c, changed: make(chan struct{}, 1), stop: make(chan struct{})}
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	e.tag = strconv.Itoa(os.Getpid()) + "_" + hex.EncodeToString(random[:])
	var err error
	if e.client, err = connect(ctx, c.Server, e.event, e.lost); err != nil {
		return nil, fmt.Errorf("cancel echo: %w", err)
	}
	release := e.client.until(ctx)
	if err := e.load(); !release() || err != nil {
		e.client.close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("cancel echo: %w", err)
	}
	e.watching.Go(e.watch)
	return e, nil
}

// load does what OpenEcho does, connected.
func (e *Echo) load() error {
	// Told first, so that nobody takes what follows for a leftover.
	props := introduction()
	props[echoOwner] = proto.PropListString(e.tag)
	err := e.client.proto.Request(&proto.SetClientName{Props: props}, &proto.SetClientNameReply{})
	if err != nil {
		return err
	}
	if err := e.client.removeLeftovers(); err != nil {
		return err
	}
	// before anything is asked, so that no change goes unnoticed
	mask := proto.SubscriptionMaskSink | proto.SubscriptionMaskSource | proto.SubscriptionMaskServer
	if err := e.client.proto.Request(&proto.Subscribe{Mask: mask}, nil); err != nil {
		return err
	}
	var server proto.GetServerInfoReply
	if err := e.client.proto.Request(&proto.GetServerInfo{}, &server); err != nil {
		return err
	}
	e.pipeWire = contains(server.PackageName, "pipewire")
	if e.devices, err = e.choose(); err != nil || e.devices.private {
		return err
	}
	if err := e.suitable(); err != nil {
		return err
	}
	return e.loadModule()
}

// loadModule loads the module with the best method that the server has.
func (e *Echo) loadModule() error {
	var reply proto.LoadModuleReply
	var first error
	for _, method := range echoMethods(e.pipeWire) {
		err := e.client.proto.Request(&proto.LoadModule{Name: echoModule, Args: e.args(method)}, &reply)
		if err == nil {
			e.module = reply.ModuleIndex
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return fmt.Errorf("%w: %w", ErrNoEcho, first)
}

// choose returns the names of the devices that the configuration means now.
func (e *Echo) choose() (d echoDevices, err error) {
	sources, err := e.client.sources()
	if err != nil {
		return d, err
	}
	sinks, err := e.client.sinks()
	if err != nil {
		return d, err
	}
	if d.mic, err = choose(sources, e.cfg.Mic); err != nil {
		return d, fmt.Errorf("microphone: %w", err)
	}
	if d.speaker, err = choose(sinks, e.cfg.Speaker); err != nil {
		return d, fmt.Errorf("speaker: %w", err)
	}
	for _, f := range sources {
		if f.Name == d.mic && f.monitor {
			return d, fmt.Errorf("%w of what a speaker plays", ErrNoEcho)
		}
	}
	for _, f := range sinks {
		d.private = d.private || f.Name == d.speaker && f.private
	}
	return d, nil
}

// suitable makes sure that the microphone is not a canceller's, and does not get
// its sound from the speaker inside the server: PulseAudio would wait for itself
// for ever.
func (e *Echo) suitable() error {
	var sources proto.GetSourceInfoListReply
	if err := e.client.proto.Request(&proto.GetSourceInfoList{}, &sources); err != nil {
		return err
	}
	var modules proto.GetModuleInfoListReply
	if err := e.client.proto.Request(&proto.GetModuleInfoList{}, &modules); err != nil {
		return err
	}
	var sink proto.GetSinkInfoReply
	req := &proto.GetSinkInfo{SinkIndex: proto.Undefined, SinkName: e.devices.speaker}
	if err := e.client.proto.Request(req, &sink); err != nil {
		return err
	}
	name := e.devices.mic
	for range sources { // as long as a chain of them can be
		i := slices.IndexFunc(sources, func(s *proto.GetSourceInfoReply) bool { return s.SourceName == name })
		if i < 0 {
			break
		}
		if name == sink.MonitorSourceName {
			return fmt.Errorf("%w: %q hears what %q plays", ErrNoEcho, e.devices.mic, e.devices.speaker)
		}
		if slices.ContainsFunc(modules, func(m *proto.GetModuleInfoReply) bool {
			return m.ModuleIndex == sources[i].ModuleIndex && m.ModuleName == echoModule
		}) {
			return ErrHasEcho
		}
		master, ok := sources[i].Properties["device.master_device"]
		if !ok {
			break
		}
		name = master.String()
	}
	return nil
}

// args returns the arguments of the module.
func (e *Echo) args(method string) string {
	return "source_name=" + echoMic + e.tag + " sink_name=" + echoSpeaker + e.tag +
		" source_master=" + quoteArg(e.devices.mic) + " sink_master=" + quoteArg(e.devices.speaker) +
		" source_properties=device.description=s2c-microphone sink_properties=device.description=s2c-speaker" +
		" rate=" + strconv.Itoa(Rate) + " channels=1 channel_map=mono " + method
}

// quoteArg returns s as the value of a module's argument. Names of devices hold
// nothing but letters, digits and points almost always, and those stay readable.
func quoteArg(s string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '.' || r == '-' || r == '_'
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// parseEcho returns the tag in the arguments of a module that is an Echo's.
func parseEcho(module, args string) (tag string, ok bool) {
	if module != echoModule {
		return "", false
	}
	for f := range strings.FieldsSeq(args) {
		if tag, ok := strings.CutPrefix(f, "source_name="+echoMic); ok && tag != "" {
			return tag, true
		}
	}
	return "", false
}

// removeLeftovers removes the cancellers whose owners are not connected any
// more. The server knows best who is: a process number may mean somebody else
// on another machine or in another container.
func (c *client) removeLeftovers() error {
	var modules proto.GetModuleInfoListReply
	if err := c.proto.Request(&proto.GetModuleInfoList{}, &modules); err != nil {
		return err
	}
	// asked for afterwards: whoever owned one of those has connected by now
	var clients proto.GetClientInfoListReply
	if err := c.proto.Request(&proto.GetClientInfoList{}, &clients); err != nil {
		return err
	}
	owners := make(map[string]bool)
	for _, c := range clients {
		if p, ok := c.Properties[echoOwner]; ok {
			owners[p.String()] = true
		}
	}
	for _, m := range modules {
		if tag, ok := parseEcho(m.ModuleName, m.ModuleArgs); ok && !owners[tag] {
			// Another process may have been quicker.
			err := c.proto.Request(&proto.UnloadModule{ModuleIndex: m.ModuleIndex}, nil)
			var refusal proto.Error
			if err != nil && !errors.As(err, &refusal) {
				return err
			}
		}
	}
	return nil
}

// event takes what the server says, on the goroutine that reads the connection.
func (e *Echo) event(ev any) {
	if _, ok := ev.(*proto.SubscribeEvent); ok {
		wake(e.changed)
	}
}

// lost is told that the connection has ended.
func (e *Echo) lost(err error) {
	e.fail(fmt.Errorf("cancel echo: %w: %w", ErrGone, err))
	wake(e.changed)
}

// fail ends e for the given reason, unless it has ended before.
func (e *Echo) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil {
		return
	}
	e.err = err
	for s := range e.users {
		s.fail(ErrGone, err)
	}
}

// attach lets a stream end with e. The server sees to that only as long as there
// is a module.
func (e *Echo) attach(s *stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil {
		s.fail(ErrGone, e.err)
		return
	}
	if e.users == nil {
		e.users = make(map[*stream]struct{})
	}
	e.users[s] = struct{}{}
}

// detach is the end of attach.
func (e *Echo) detach(s *stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.users, s)
}

// source returns the name of the device that a Mic is to record.
func (e *Echo) source() string {
	if e.devices.private {
		return e.devices.mic
	}
	return echoMic + e.tag
}

// sink returns the name of the device that a Speaker is to play to.
func (e *Echo) sink() string {
	if e.devices.private {
		return e.devices.speaker
	}
	return echoSpeaker + e.tag
}

// Headphones reports whether the speaker is headphones or a headset, so that
// there is no echo to cancel.
func (e *Echo) Headphones() bool { return e.devices.private }

// watch ends the module when the devices are no longer those that the
// configuration means. The streams that use it are then told by the server.
func (e *Echo) watch() {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-e.stop:
			return
		case <-e.changed:
		case <-tick.C:
		}
		if e.Err() == nil {
			if err := e.check(); err != nil {
				e.fail(fmt.Errorf("cancel echo: %w", err))
			}
		}
		if e.Err() != nil {
			e.unload()
			return
		}
	}
}

// check returns why e has to end, if it has.
func (e *Echo) check() error {
	now, err := e.choose()
	switch {
	case errors.Is(err, ErrNotFound):
		return ErrGone
	case err != nil:
		return err
	case now != e.devices:
		return ErrMoved
	}
	return nil
}

// unload removes the module and ends the connection.
func (e *Echo) unload() {
	e.once.Do(func() {
		if !e.devices.private {
			// It may have gone by itself, or the server with it.
			_ = e.client.proto.Request(&proto.UnloadModule{ModuleIndex: e.module}, nil)
		}
		e.client.close()
	})
}

// Err returns why e has ended, nil while it has not. It wraps ErrGone, or
// os.ErrClosed after Close.
func (e *Echo) Err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// Close unloads the canceller and returns when that is done. Mics and Speakers
// that use it should be closed before. It returns nil.
func (e *Echo) Close() error {
	e.fail(fmt.Errorf("cancel echo: %w", os.ErrClosed))
	e.mu.Lock()
	select {
	case <-e.stop:
	default:
		close(e.stop)
	}
	e.mu.Unlock()
	e.watching.Wait()
	e.unload()
	return nil
}

// wake fills a channel of length 1.
func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
