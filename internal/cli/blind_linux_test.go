package cli_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/hub"
	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/person"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// blindTime is how long the calls of TestBlindHub last.
var blindTime = flag.Duration("blind", 20*time.Second, "how long the calls of TestBlindHub last")

// TestBlindHub has three members in a call, with canaries in voice,
// picture, chat, names and passphrase, through two hubs at once: the real one,
// whose memory and log are searched afterwards, and one in this process that
// writes down every byte of the hop as it is after TLS and the UDP hop's own
// sealing are taken off. Neither must hold a canary, nor a piece of anything
// that a member sealed; the memory of a member must hold them.
//
// Two members of each call are real processes. The third is a probe in this
// process: it puts canaries into voice and picture packets as they are sealed,
// where no codec hides them, and notes what it opens of the others.
func TestBlindHub(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	if os.Geteuid() != 0 {
		lab.Need(t, errors.New("reading the memory of a member takes root"))
	}
	s2c, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	real, err := s2c.LoggedHub(t.Context(), &log, "-v")
	if err != nil {
		t.Fatal(err)
	}
	defer real.End()
	tape := new(tape)
	recorded := tape.hub(t)
	b := newBlind(t, s2c)
	b.call(real.Addr, "core", 0)
	b.call(recorded, "tape", 2)
	defer b.end()
	b.talk(*blindTime)

	patterns := program.NewPatterns(b.canaries())
	t.Logf("%d canaries and %d pieces of what was sealed; the hop carried %.1f MB", b.named, len(b.canaries())-b.named, float64(tape.len())/1e6)
	hubFound, memberFound := make(map[int]bool), make(map[int]bool)
	size, err := real.Image(func(m []byte) { patterns.Find(m, hubFound) })
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range b.members[:2] {
		n, err := m.Image(func(m []byte) { patterns.Find(m, memberFound) })
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("memory of a member: %.1f MB", float64(n)/1e6)
	}
	b.cancel() // the probes go first, or the hub would tell them that it ends
	b.probes.Wait()
	real.End()
	hopFound := make(map[int]bool)
	tape.find(patterns, hopFound)
	logFound := make(map[int]bool)
	patterns.Find(log.Bytes(), logFound)
	t.Logf("memory of the hub: %.1f MB, %d hits; log: %d bytes, %d hits; hop: %d hits; members: %d hits",
		float64(size)/1e6, len(hubFound), log.Len(), len(logFound), len(hopFound), len(memberFound))
	for where, found := range map[string]map[int]bool{"memory of the hub": hubFound, "log of the hub": logFound, "hop": hopFound} {
		for i := range found {
			t.Errorf("the %s holds %s", where, b.what(i))
		}
	}
	for i := range b.named {
		if !memberFound[i] {
			t.Errorf("the memory of no member holds %s: the search shows nothing", b.what(i))
		}
	}
	if log.Len() < 100 || size < 5e6 || tape.len() < 5e5 {
		t.Error("there was not enough to search")
	}
	b.checkHeard(t)
}

// A blind is what TestBlindHub knows of its calls.
type blind struct {
	t          *testing.T
	s2c        *program.Program
	passphrase string
	clip, wav  string
	say        []*io.PipeWriter
	members    []*program.Process
	cancel     context.CancelFunc
	ctx        context.Context
	probes     sync.WaitGroup
	all        [][]byte // named canaries first
	kinds      []string
	named      int

	// Guarded by mu.
	mu     sync.Mutex
	opened map[sframe.Stream][][]byte // of what the probes have opened
	events map[string]int             // of the real members
}

// randomText returns n random letters and digits.
func randomText(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[rand.IntN(len(letters))]
	}
	return string(b)
}

func newBlind(t *testing.T, s2c *program.Program) *blind {
	b := &blind{t: t, s2c: s2c, passphrase: randomText(64), opened: make(map[sframe.Stream][][]byte), events: make(map[string]int)}
	b.ctx, b.cancel = context.WithCancel(t.Context())
	b.add("the passphrase", []byte(b.passphrase))
	b.writeClip(filepath.Join(s2c.Dir, "noise.y4m"))
	b.writeWAV(filepath.Join(s2c.Dir, "noise.wav"))
	return b
}

// add notes a canary by name.
func (b *blind) add(kind string, canary []byte) {
	b.all, b.kinds = append(b.all, canary), append(b.kinds, kind)
	b.named++
}

func (b *blind) what(i int) string {
	if i < b.named {
		return b.kinds[i]
	}
	return "a piece of what a member sealed"
}

// canaries returns all that must not be found at a hub.
func (b *blind) canaries() [][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.all[:b.named:b.named]
	for _, o := range b.opened {
		list = append(list, o...)
	}
	return list
}

// writeClip writes a clip of one picture of noise, with a canary in it.
func (b *blind) writeClip(name string) {
	const w, h = 160, 96
	luma := make([]byte, w*h)
	for i := range luma {
		luma[i] = byte(16 + rand.IntN(220))
	}
	b.add("the picture of the camera", luma[20*w:20*w+64])
	var f bytes.Buffer
	fmt.Fprintf(&f, "YUV4MPEG2 W%d H%d F15:1 Ip A1:1 C420jpeg\n", w, h)
	for range 4 {
		f.WriteString("FRAME\n")
		f.Write(luma)
		f.Write(bytes.Repeat([]byte{128}, w*h/2))
	}
	if err := os.WriteFile(name, f.Bytes(), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.clip = name
}

// writeWAV writes a second of noise, with a canary in it.
func (b *blind) writeWAV(name string) {
	const rate = 48000
	pcm := make([]byte, 2*rate)
	for i := range rate {
		binary.LittleEndian.PutUint16(pcm[2*i:], uint16(int16(rand.IntN(16000)-8000)))
	}
	b.add("the sound of the microphone", pcm[4000:4064])
	var f bytes.Buffer
	f.WriteString("RIFF")
	_ = binary.Write(&f, binary.LittleEndian, uint32(36+len(pcm)))
	f.WriteString("WAVEfmt ")
	_ = binary.Write(&f, binary.LittleEndian, []uint32{16})
	_ = binary.Write(&f, binary.LittleEndian, []uint16{1, 1})
	_ = binary.Write(&f, binary.LittleEndian, []uint32{rate, 2 * rate})
	_ = binary.Write(&f, binary.LittleEndian, []uint16{2, 16})
	f.WriteString("data")
	_ = binary.Write(&f, binary.LittleEndian, uint32(len(pcm)))
	f.Write(pcm)
	if err := os.WriteFile(name, f.Bytes(), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.wav = name
}

// call starts two real members and a probe at a hub. It names canaries only of
// the first call, whose members are searched.
func (b *blind) call(addr, session string, firstPerson int) {
	for i := range 2 {
		name := randomText(24)
		if session == "core" {
			b.add(fmt.Sprintf("the name of member %d", i), []byte(name))
		}
		dir := filepath.Join(b.s2c.Dir, session+name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "identity"), person.PEM(b.t, firstPerson+i), 0o600); err != nil {
			b.t.Fatal(err)
		}
		in, out := io.Pipe()
		b.say = append(b.say, out)
		p, err := b.s2c.StartWith(b.ctx, in, []string{"S2C_CONFIG=" + dir, "S2C_PASS=" + b.passphrase}, b.read,
			"join", "-s", session, "-c", name, "--headless", "--camera", b.clip, "--mic", b.wav, "--speaker", "test", addr)
		if err != nil {
			b.t.Fatal(err)
		}
		b.members = append(b.members, p)
	}
	name := randomText(24)
	voice, picture := []byte(randomText(64)), []byte(randomText(64))
	if session == "core" {
		b.add("the name of the probe", []byte(name))
		b.add("the voice as it is sealed", voice)
		b.add("the picture as it is sealed", picture)
	}
	b.probes.Go(func() {
		if err := b.probe(addr, session, name, voice, picture, firstPerson+8); err != nil && b.ctx.Err() == nil {
			b.t.Errorf("probe in session %s: %v", session, err)
		}
	})
}

// read counts the events of a real member.
func (b *blind) read(r io.Reader) {
	for d := json.NewDecoder(r); ; {
		var e struct{ Event string }
		if d.Decode(&e) != nil {
			return
		}
		b.mu.Lock()
		b.events[e.Event]++
		b.mu.Unlock()
	}
}

// talk lets the calls last, and the members chat.
func (b *blind) talk(d time.Duration) {
	chat := randomText(64)
	b.add("the chat", []byte(chat))
	end := time.After(d)
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-end:
			return
		case <-tick.C:
			for _, w := range b.say {
				if _, err := fmt.Fprintf(w, "say %s\n", chat); err != nil {
					b.t.Error(err)
				}
			}
		}
	}
}

func (b *blind) end() {
	b.cancel()
	b.probes.Wait()
	for _, w := range b.say {
		w.Close()
	}
	for _, m := range b.members {
		m.End()
	}
}

// checkHeard fails the test unless there was a call.
func (b *blind) checkHeard(t *testing.T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t.Logf("events of the real members: %v; opened by the probes: voice %d, picture %d, chat %d, control %d", b.events,
		len(b.opened[sframe.StreamVoice]), len(b.opened[sframe.StreamVideo]), len(b.opened[sframe.StreamChat]), len(b.opened[sframe.StreamControl]))
	for _, s := range []sframe.Stream{sframe.StreamVoice, sframe.StreamVideo, sframe.StreamChat} {
		if len(b.opened[s]) == 0 {
			t.Errorf("the probes opened nothing of stream %d", s)
		}
	}
	if b.events["joined"] < 8 || b.events["chat"] < 8 {
		t.Errorf("the real members did not all see each other: %v", b.events)
	}
}

// note keeps a piece of what a probe has opened.
func (b *blind) note(s sframe.Stream, plain []byte) {
	const head, piece = 20, 32 // what comes first is the same or nearly so in many packets
	if len(plain) < head+piece {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.opened[s]) < 5000 {
		b.opened[s] = append(b.opened[s], bytes.Clone(plain[head:head+piece]))
	}
}

// probe takes part in a session until the test ends: a member without a codec.
func (b *blind) probe(addr, session, name string, voice, picture []byte, n int) error {
	conn, err := transport.Dial(b.ctx, transport.DialConfig{Addr: addr, Verify: func(string) error { return nil }})
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(b.ctx, func() { conn.Close() })()
	keys, err := cipher.NewSession(cipher.Config{
		Identity: person.Identity(b.t, n), Binding: conn.Info().Binding, Session: session, Name: name, Passphrase: b.passphrase,
	})
	if err != nil {
		return err
	}
	raw, cert, _ := keys.Hello()
	if err := conn.SendMessage(wire.Join{Hello: raw, Cert: cert}.Append(nil)); err != nil {
		return err
	}
	messages := make(chan wire.Message, 256)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer conn.Close()
	wg.Go(func() {
		defer close(messages)
		for {
			m, err := conn.RecvMessage(nil)
			if err != nil {
				return
			}
			if parsed, err := wire.ParseMessage(m); err == nil {
				messages <- parsed
			}
		}
	})
	wg.Go(func() {
		var buf [wire.MaxDatagram]byte
		for {
			n, err := conn.RecvDatagram(buf[:])
			if err != nil {
				return
			}
			if plain, from, err := keys.Open(nil, buf[:n]); err == nil {
				b.note(from.Stream, plain)
			}
		}
	})
	return b.take(conn, keys, messages, voice, picture)
}

// take takes the messages of a probe, and sends its packets.
func (b *blind) take(conn transport.Conn, keys *cipher.Session, messages <-chan wire.Message, voice, picture []byte) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	listed, index := 0, uint16(0)
	for {
		var out cipher.Out
		select {
		case m, ok := <-messages:
			if !ok {
				return io.EOF
			}
			switch m := m.(type) {
			case wire.Joined:
				listed = int(m.Peers)
				if err := keys.Start(m.Slot); err != nil {
					return err
				}
			case wire.Peer:
				v, err := hello.Verify(m.Hello, m.Cert)
				if err != nil {
					return err
				}
				if listed > 0 {
					listed--
					err = keys.Meet(time.Now(), m.Slot, v)
				} else {
					var pair []byte
					pair, err = keys.Welcome(time.Now(), m.Slot, v)
					out.Pair = append(out.Pair, pair)
				}
				if err != nil {
					return err
				}
			case wire.From:
				out, _ = keys.Handle(time.Now(), m.Pair)
			case wire.Sealed:
				if plain, from, err := keys.Open(nil, m.Packet); err == nil {
					b.note(from.Stream, plain)
				}
			case wire.Error:
				return errors.New(m.Text)
			}
		case now := <-tick.C:
			out, _ = keys.Due(now)
			index++
			b.speak(conn, keys, index, voice, picture)
		}
		for _, pair := range out.Pair {
			if err := conn.SendMessage(wire.Forward{Pair: pair}.Append(nil)); err != nil {
				return err
			}
		}
	}
}

// speak sends a voice packet and a picture whose contents are canaries, and a
// heartbeat. A decoder makes noise of the one and nothing of the other.
func (b *blind) speak(conn transport.Conn, keys *cipher.Session, index uint16, voice, picture []byte) {
	now := time.Now()
	send := func(s sframe.Stream, k wire.Kind, plain []byte) {
		if p, err := keys.Seal(nil, s, byte(wire.NewClear(k, 0)), plain); err == nil {
			_ = conn.SendDatagram(p)
		}
	}
	// 20 ms of CELT, mono, one frame (RFC 6716, section 3.1): any bytes may follow.
	opus := append([]byte{31 << 3}, voice...)
	send(sframe.StreamVoice, wire.KindVoice, (&wire.Voice{Index: index, Time: wire.NewMillis(now), Opus: opus}).Append(nil))
	send(sframe.StreamVideo, wire.KindKey, wire.Part{ID: index, Ref: index, Time: wire.NewMillis(now), Parts: 1, Data: picture}.Append(nil))
	if index%20 == 0 {
		send(sframe.StreamControl, wire.KindControl, wire.Heartbeat{Time: wire.NewMillis(now), Camera: true, Digest: keys.Digest()}.Append(nil))
	}
}

// A tape is a hub in this process and all that goes through it.
type tape struct {
	mu sync.Mutex
	b  []byte
}

// hub starts the hub and returns its address.
func (p *tape) hub(t *testing.T) string {
	key, err := transport.LoadHubKey(filepath.Join(t.TempDir(), "hub_key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := transport.Listen(transport.ListenConfig{Addr: "127.0.0.1:0", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() { _ = hub.New(hub.Config{}).Serve(ctx, taped{ln, p}) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return strings.Replace(ln.Addr(), "[::]", "127.0.0.1", 1)
}

func (p *tape) write(b []byte) {
	p.mu.Lock()
	p.b = append(p.b, b...)
	p.mu.Unlock()
}

func (p *tape) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.b)
}

func (p *tape) find(patterns *program.Patterns, found map[int]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	patterns.Find(p.b, found)
}

// taped is a listener whose connections write down what goes through them.
type taped struct {
	transport.Listener
	tape *tape
}

func (l taped) Accept() (transport.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tapedConn{c, l.tape}, nil
}

type tapedConn struct {
	transport.Conn
	tape *tape
}

func (c tapedConn) SendDatagram(b []byte) error {
	c.tape.write(b)
	return c.Conn.SendDatagram(b)
}

func (c tapedConn) RecvDatagram(b []byte) (int, error) {
	n, err := c.Conn.RecvDatagram(b)
	if err == nil {
		c.tape.write(b[:n])
	}
	return n, err
}

func (c tapedConn) SendMessage(b []byte) error {
	c.tape.write(b)
	return c.Conn.SendMessage(b)
}

func (c tapedConn) RecvMessage(b []byte) ([]byte, error) {
	m, err := c.Conn.RecvMessage(b)
	if err == nil {
		c.tape.write(m)
	}
	return m, err
}
