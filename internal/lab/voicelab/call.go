package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/network"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/lab/speech"
)

const (
	hubHost = "hub"
	hubPort = "1122"
	session = "voice"
	patient = 60 * time.Second // until a call stands

	told = 100 * time.Millisecond // how often members tell how they are

	// The programs have the priority of a sound server's, so that what else the
	// machine does is not heard: less than the wire's.
	realTime = "5"
)

// A member is a process of s2c, or of this program if it has eyes, whose microphone
// and speaker are files.
type member struct {
	*program.Process
	name    string
	record  string // the speaker's file
	started time.Time
	reads   sync.WaitGroup

	// Guarded by mu.
	mu     sync.Mutex
	link   linkFigures
	slot   uint16
	breaks int // how often the connection was lost
	others map[string]figures
}

// An event, linkFigures and figures are what headless output tells. What it leaves
// out is nil.
type event struct {
	Event   string      `json:"event"`
	Slot    uint16      `json:"slot"`
	Link    linkFigures `json:"link"`
	Members []figures   `json:"members"`
}

type linkFigures struct {
	Joined bool   `json:"joined"`
	Path   string `json:"path"`
}

type figures struct {
	Name      string  `json:"name"`
	Delay     float64 `json:"voice_delay_ms"`
	Played    uint64  `json:"voice_played"`
	Concealed uint64  `json:"voice_concealed"`
	Late      uint64  `json:"voice_late"`
	Dropped   uint64  `json:"voice_dropped"`
	Repeated  *uint64 `json:"voice_repeated"`
	Restored  *uint64 `json:"voice_restored"`

	Seen []picture `json:"seen,omitempty"` // by who has eyes; in a member's others, all so far

	instants []instant // one of each line
}

// An instant is what a line told of the voice of another.
type instant struct {
	at                time.Time
	delay             float64 // ms
	played, concealed uint64  // chunks so far
}

// delays returns the delays of the voice in ms.
func (f figures) delays() []float64 {
	all := make([]float64, len(f.instants))
	for i, x := range f.instants {
		all[i] = x.delay
	}
	return all
}

// A voice is who speaks in a call, and what.
type voice struct {
	name   string
	pcm    []int16
	camera string // "" means none
	thin   bool   // with --thin
	eyes   *eyes  // nil for a process of s2c itself
}

// A call is a hub and members on hosts of their own.
type call struct {
	net     *network.Net
	dir     string
	hub     *program.Process
	drain   sync.WaitGroup // of the hub's output
	members []*member
}

// startCall starts a call, all ways of which take two legs, and waits until
// everybody hears everybody.
func (l *lab) startCall(ctx context.Context, name string, speakers []voice) (*call, error) {
	return l.startCallOn(ctx, name, speakers, network.Shape{})
}

// startCallOn is startCall with something else about the path of the last speaker.
func (l *lab) startCallOn(ctx context.Context, name string, speakers []voice, last network.Shape) (_ *call, err error) {
	c := &call{dir: filepath.Join(l.dir, "call-"+name)}
	defer func() {
		if err != nil {
			c.close()
			err = fmt.Errorf("%w%s", err, c.logs())
		}
	}()
	if err := os.Mkdir(c.dir, 0o700); err != nil {
		return nil, err
	}
	hosts := []string{hubHost}
	for _, v := range speakers {
		hosts = append(hosts, v.name)
	}
	if c.net, err = network.New(ctx, hosts...); err != nil {
		return nil, err
	}
	if err := c.startHub(ctx, l.s2c); err != nil {
		return nil, err
	}
	for i, v := range speakers {
		var s network.Shape
		if i == len(speakers)-1 {
			s = last
		}
		s.Delay = leg
		c.net.Set(v.name, network.Both, s)
		m, err := c.startMember(ctx, l, v)
		if err != nil {
			return nil, err
		}
		c.members = append(c.members, m)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patient, errors.New("not everybody hears everybody"))
	defer cancel()
	for !c.stands() {
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// command returns a command of s2c on a host.
func (c *call) command(ctx context.Context, s2c *program.Program, host string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "chrt", append([]string{"--rr", realTime, s2c.Exe}, args...)...)
	c.net.Command(host, cmd)
	endWithUs(cmd)
	// Who they are is the same in all calls, so that keys are made but once.
	dir := filepath.Join(s2c.Dir, host)
	cmd.Env = s2c.Env("S2C_CONFIG="+filepath.Join(dir, "config"), "S2C_STATE="+filepath.Join(dir, "state"))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 3 * time.Second
	return cmd
}

// startHub starts the hub and waits until it listens.
func (c *call) startHub(ctx context.Context, s2c *program.Program) error {
	cmd := c.command(ctx, s2c, hubHost, "server", "--address", c.net.Addr(hubHost), "-p", hubPort)
	out, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewReader(out)
	for line := ""; !strings.HasPrefix(line, "s2c: hub on "); {
		if line, err = lines.ReadString('\n'); err != nil {
			return errors.Join(fmt.Errorf("the hub did not start: %q", line), cmd.Wait())
		}
	}
	c.hub = &program.Process{Cmd: cmd}
	c.drain.Go(func() { _, _ = io.Copy(io.Discard, lines) }) // ends with the hub
	return nil
}

// startMember starts a member.
func (c *call) startMember(ctx context.Context, l *lab, v voice) (*member, error) {
	file := func(what string) string { return filepath.Join(c.dir, v.name+what) }
	m := &member{name: v.name, record: file("-speaker.wav"), started: time.Now(), others: make(map[string]figures)}
	mic := file("-mic.wav")
	if err := speech.WriteWAV(mic, v.pcm); err != nil {
		return nil, err
	}
	log, err := os.Create(file(".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	camera := v.camera
	if camera == "" {
		camera = "none"
	}
	hub, prog := net.JoinHostPort(c.net.Addr(hubHost), hubPort), l.s2c
	args := []string{
		"join", "-s", session, "-c", v.name, "--headless", "--stats", told.String(),
		"--camera", camera, "--mic", mic, "--speaker", m.record, hub,
	}
	if v.thin {
		args = append(args, "--thin")
	}
	if v.eyes != nil {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		prog, args = &program.Program{Exe: self, Dir: l.dir}, v.eyes.args(hub, v.name, mic, m.record, v.thin)
	}
	cmd := c.command(ctx, prog, v.name, args...)
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	m.Process = &program.Process{Cmd: cmd}
	m.reads.Go(func() { m.read(out) })
	return m, nil
}

// read takes what a member tells until it ends.
func (m *member) read(out io.Reader) {
	d := json.NewDecoder(out)
	for {
		var s event
		if d.Decode(&s) != nil {
			return // it has ended, which is noticed elsewhere
		}
		if s.Event != "stats" {
			continue
		}
		m.mu.Lock()
		if m.link.Joined && !s.Link.Joined {
			m.breaks++
		}
		m.link, m.slot = s.Link, s.Slot
		for _, f := range s.Members {
			o := m.others[f.Name]
			f.Seen = append(o.Seen, f.Seen...)
			f.instants = append(o.instants, instant{time.Now(), f.Delay, f.Played, f.Concealed})
			m.others[f.Name] = f
		}
		m.mu.Unlock()
	}
}

// A place is where a member is.
type place struct {
	path string
	slot uint16
}

func (m *member) place() place {
	m.mu.Lock()
	defer m.mu.Unlock()
	return place{m.link.Path, m.slot}
}

// hears returns what a member tells of another.
func (m *member) hears(name string) figures {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.others[name]
	// What is there already does not change any more.
	f.Seen, f.instants = slices.Clip(f.Seen), slices.Clip(f.instants)
	return f
}

// since returns what happened after the earlier figures were read. Those of a
// connection that was made anew begin anew.
func (f figures) since(earlier figures) figures {
	f.Played = less(f.Played, earlier.Played)
	f.Concealed = less(f.Concealed, earlier.Concealed)
	f.Late = less(f.Late, earlier.Late)
	f.Dropped = less(f.Dropped, earlier.Dropped)
	f.Repeated = lessIfTold(f.Repeated, earlier.Repeated)
	f.Restored = lessIfTold(f.Restored, earlier.Restored)
	f.Seen = f.Seen[min(len(earlier.Seen), len(f.Seen)):]
	f.instants = f.instants[min(len(earlier.instants), len(f.instants)):]
	return f
}

func less(a, b uint64) uint64 {
	if a < b {
		return a
	}
	return a - b
}

func lessIfTold(a, b *uint64) *uint64 {
	if a == nil || b == nil {
		return a
	}
	d := less(*a, *b)
	return &d
}

// stands reports whether everybody has heard everybody else.
func (c *call) stands() bool {
	for _, m := range c.members {
		m.mu.Lock()
		heard := 0
		for _, f := range m.others {
			if f.Played > 0 {
				heard++
			}
		}
		ok := m.link.Joined && heard == len(c.members)-1
		m.mu.Unlock()
		if !ok {
			return false
		}
	}
	return true
}

// broken returns how often a member has lost its connection.
func (m *member) broken() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.breaks
}

// position returns how much a member's speaker has played, in samples.
func (m *member) position() (int, error) {
	info, err := os.Stat(m.record)
	if err != nil {
		return 0, err
	}
	return int(max(0, info.Size()-speech.WAVHeader)) / 2, nil
}

// end ends the members, after which their recordings are whole.
func (c *call) end() {
	for _, m := range c.members {
		_ = m.Signal(os.Interrupt) // all at once; End waits
	}
	for _, m := range c.members {
		m.reads.Wait()
		m.End()
	}
}

// warn says so when the wire did not keep time since Fidelity was asked last.
func (c *call) warn(l *lab, name string) {
	if f := c.net.Fidelity(); f.Missed > 0 || float64(f.Late) > mostLate*float64(f.Frames) {
		fmt.Fprintf(l.log, "voicelab: %s: the machine is too busy for its network: %+v\n", name, f)
	}
}

// logs returns what the members say for people, for an error.
func (c *call) logs() string {
	var all strings.Builder
	for _, m := range c.members {
		b, err := os.ReadFile(filepath.Join(c.dir, m.name+".log"))
		if err == nil && len(b) > 0 {
			fmt.Fprintf(&all, "\n%s:\n%s", m.name, b)
		}
	}
	return all.String()
}

// close ends everything and leaves the recordings.
func (c *call) close() {
	c.end()
	c.endHub()
	if c.net != nil {
		_ = c.net.Close() // what is left is removed by the next
	}
}

// keepSound copies the sound of a call to the directory for it, if there is one.
func (l *lab) keepSound(name string, said, heard []int16) error {
	if l.keep == "" {
		return nil
	}
	return errors.Join(
		speech.WriteWAV(filepath.Join(l.keep, name+"_said.wav"), said),
		speech.WriteWAV(filepath.Join(l.keep, name+"_heard.wav"), heard))
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// endHub ends the hub if there is one.
func (c *call) endHub() {
	if c.hub == nil {
		return
	}
	_ = c.hub.Signal(os.Interrupt) // or there will be no end of its output
	c.drain.Wait()
	c.hub.End()
	c.hub = nil
}
