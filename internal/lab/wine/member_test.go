package wine

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// awaitTime bounds how long something that must happen may take.
const awaitTime = 20 * time.Second

// An event is what a test looks at of a line of headless output.
type event struct {
	Event   string
	Name    string
	Text    string
	Command string
	Device  string
	Error   string
	Members []struct {
		Name        string
		Speaking    bool
		Muted       bool
		VoicePlayed uint64 `json:"voice_played"`
		Pictures    uint64
		Width       int
	}
}

// A member is a headless s2c of either system.
type member struct {
	name   string
	cmd    *exec.Cmd
	in     io.Writer
	ended  chan struct{} // closed when it has ended and all of its output is here
	waited error         // of cmd; set before ended is closed

	mu      sync.Mutex
	changed chan struct{} // guarded by mu; closed when there are more events
	events  []event       // guarded by mu
	errors  bytes.Buffer  // what it has told people; read after ended
}

// begin starts a member, which the end of the test kills.
func begin(t *testing.T, name string, cmd *exec.Cmd) *member {
	t.Helper()
	m := &member{name: name, cmd: cmd, ended: make(chan struct{}), changed: make(chan struct{})}
	cmd.Stderr = &m.errors
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	m.in = in
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go m.read(out)
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // an error means that it has ended
		<-m.ended
		if t.Failed() {
			t.Logf("%s said:\n%s", name, m.errors.String())
		}
	})
	return m
}

// read keeps the events until the member has ended.
func (m *member) read(out io.Reader) {
	defer close(m.ended)
	d := json.NewDecoder(out)
	for {
		var e event
		if d.Decode(&e) != nil {
			break
		}
		m.mu.Lock()
		m.events = append(m.events, e)
		close(m.changed)
		m.changed = make(chan struct{})
		m.mu.Unlock()
	}
	m.waited = m.cmd.Wait()
}

// all returns the events so far.
func (m *member) all() []event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.events
}

// await returns the first event that is as wanted, now or later.
func (m *member) await(t *testing.T, what string, is func(event) bool) event {
	t.Helper()
	late := time.NewTimer(awaitTime)
	defer late.Stop()
	for seen := 0; ; {
		m.mu.Lock()
		events, changed := m.events[seen:], m.changed
		m.mu.Unlock()
		for _, e := range events {
			if is(e) {
				return e
			}
		}
		seen += len(events)
		select {
		case <-changed:
		case <-m.ended:
			t.Fatalf("%s ended (%v) before %s", m.name, m.waited, what)
		case <-late.C:
			t.Fatalf("%s: no %s within %v; its events: %+v", m.name, what, awaitTime, m.all())
		}
	}
}

// tell gives the member a command and waits until it is done.
func (m *member) tell(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(m.in, line+"\n"); err != nil {
		t.Fatal(err)
	}
	m.await(t, "ok to "+line, func(e event) bool { return e.Event == "ok" && e.Command == line })
}

// leave has the member leave, which must end it with code 0.
func (m *member) leave(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(m.in, "leave\n"); err != nil {
		t.Fatal(err)
	}
	m.ends(t, 0)
}

// interrupt has the member end with a code, as Ctrl+C does.
func (m *member) interrupt(t *testing.T, code int) {
	t.Helper()
	if err := m.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	m.ends(t, code)
}

// ends waits until the member exits with a code.
func (m *member) ends(t *testing.T, code int) {
	t.Helper()
	late := time.NewTimer(awaitTime)
	defer late.Stop()
	select {
	case <-m.ended:
	case <-late.C:
		t.Fatalf("%s does not end within %v", m.name, awaitTime)
	}
	if got := m.cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("%s exited with %d, want %d", m.name, got, code)
	}
}
