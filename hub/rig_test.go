package hub

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/lab/person"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

const hubAddr = "hub:1122"

// A rig is a hub on a simulated network, in a bubble.
type rig struct {
	t      *testing.T
	net    *simnet.Net
	hub    *Hub
	cancel context.CancelFunc
	served chan error
	people int // who have connected
}

// wrapped is a listener whose connections are replaced by wrap.
type wrapped struct {
	transport.Listener
	wrap func(transport.Conn) transport.Conn
}

func (w wrapped) Accept() (transport.Conn, error) {
	c, err := w.Listener.Accept()
	if err == nil && w.wrap != nil {
		c = w.wrap(c)
	}
	return c, err
}

// newRig starts a hub. wrap, if any, replaces the hub's ends of connections.
func newRig(t *testing.T, c Config, wrap func(transport.Conn) transport.Conn) *rig {
	t.Helper()
	r := &rig{t: t, net: simnet.New(1), hub: New(c), served: make(chan error, 1)}
	ln, err := r.net.Listen(hubAddr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel = cancel
	go func() { r.served <- r.hub.Serve(ctx, wrapped{ln, wrap}) }()
	return r
}

// stop shuts the hub down and checks that Serve keeps its promises.
func (r *rig) stop() {
	r.t.Helper()
	start := time.Now()
	r.cancel()
	if err := <-r.served; err != nil {
		r.t.Errorf("Serve = %v, want nil", err)
	}
	if d := time.Since(start); d > 2*time.Second {
		r.t.Errorf("Serve returned after %v, want at most 2 s", d)
	}
	if s := r.hub.Stats(); s.Members != 0 || s.Sessions != 0 || r.conns() != 0 {
		r.t.Errorf("after the end: %d members, %d sessions, %d connections", s.Members, s.Sessions, r.conns())
	}
	if _, err := r.net.Dial(context.Background(), hubAddr, simnet.Link{}, simnet.Link{}); err == nil {
		r.t.Error("the listener is still open")
	}
}

// conns returns how many connections the hub has.
func (r *rig) conns() int {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return len(r.hub.conns)
}

// wantDrops checks the counters of drops; those that are not named must be 0.
func (r *rig) wantDrops(want map[string]uint64) {
	r.t.Helper()
	got := r.hub.Stats().Drops
	if len(got) != int(dropReasons) {
		r.t.Errorf("%d reasons, want %d: %v", len(got), dropReasons, got)
	}
	for reason, n := range got {
		if n != want[reason] {
			r.t.Errorf("dropped as %s: %d, want %d", reason, n, want[reason])
		}
	}
}

// A packet is what a client received.
type packet struct {
	body string // what follows the header
	took time.Duration
}

// A client is a member at the other end. What it receives is written down.
type client struct {
	t    *testing.T
	conn *simnet.Conn
	who  int // see package person
	caps uint32
	hash hello.Hash
	wg   sync.WaitGroup

	// Guarded by mu.
	mu      sync.Mutex
	slot    uint16
	events  []string // messages, as text
	peers   map[uint16]hello.Hash
	err     *wire.Error
	packets []packet
	told    []time.Time // when Layers came
	token   [32]byte
	got     uint64 // messages that count
	acks    []uint64
}

// dial connects a client that has not sent anything.
func (r *rig) dial(l simnet.Link) *client {
	r.t.Helper()
	conn, err := r.net.Dial(r.t.Context(), hubAddr, l, l)
	if err != nil {
		r.t.Fatal(err)
	}
	r.people++
	return &client{t: r.t, conn: conn.(*simnet.Conn), who: r.people, peers: make(map[uint16]hello.Hash)}
}

// join connects a client, asks to join, and reads from then on.
func (r *rig) join(session string, l simnet.Link) *client {
	r.t.Helper()
	c := r.dial(l)
	c.sendJoin(session)
	c.read()
	return c
}

// joinNow is join over a perfect link; it returns once the hub has answered.
func (r *rig) joinNow(session string) *client {
	r.t.Helper()
	c := r.join(session, simnet.Link{})
	synctest.Wait()
	return c
}

// sendJoin sends a request to join as a client makes it.
func (c *client) sendJoin(session string) {
	c.t.Helper()
	j := request(c.t, c.who, c.conn.Info().Binding, session)
	j.Caps = c.caps
	c.hash = hello.Sum(j.Hello)
	c.send(j)
}

// request returns the request of a person to join a session over the
// connection with the given binding.
func request(tb testing.TB, who int, binding [32]byte, session string) wire.Join {
	tb.Helper()
	return certified(tb, person.Identity(tb, who), hello.Hello{Binding: binding, Session: session})
}

// certified returns a request to join with h, made and certified by id.
func certified(tb testing.TB, id *identity.Identity, h hello.Hello) wire.Join {
	tb.Helper()
	h.Fingerprint = id.Fingerprint()
	b := h.Append(nil)
	cert, err := id.Certify(hello.Sum(b))
	if err != nil {
		tb.Fatal(err)
	}
	return wire.Join{Hello: b, Cert: cert}
}

func (c *client) send(m wire.Message) {
	c.t.Helper()
	if err := c.conn.SendMessage(m.Append(nil)); err != nil {
		c.t.Error(err)
	}
}

// read starts to receive messages and packets.
func (c *client) read() {
	c.wg.Go(c.readMessages)
	c.wg.Go(c.readPackets)
}

func (c *client) readMessages() {
	for {
		b, err := c.conn.RecvMessage(nil)
		if err != nil {
			return
		}
		m, err := wire.ParseMessage(b)
		if err != nil {
			c.t.Errorf("the hub sent %x: %v", b, err)
			return
		}
		c.note(m)
	}
}

// note writes a message down and checks it against those before.
func (c *client) note(m wire.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got++
	switch m := m.(type) {
	case wire.Joined:
		c.got--
		c.slot, c.token = m.Slot, m.Token
		c.events = append(c.events, fmt.Sprintf("joined %d of %d", m.Slot, m.Peers+1))
	case wire.Peer:
		if _, err := hello.Verify(m.Hello, m.Cert); err != nil {
			c.t.Errorf("peer %d with hello %x and certificate %x: %v", m.Slot, m.Hello, m.Cert, err)
		}
		if _, ok := c.peers[m.Slot]; ok || m.Slot == c.slot {
			c.t.Errorf("slot %d learnt of %d twice", c.slot, m.Slot)
		}
		c.peers[m.Slot] = hello.Sum(m.Hello)
		c.events = append(c.events, fmt.Sprintf("peer %d", m.Slot))
	case wire.Gone:
		if c.peers[m.Slot] != m.Hash {
			c.t.Errorf("slot %d heard that %d with %x has gone, knew %x", c.slot, m.Slot, m.Hash, c.peers[m.Slot])
		}
		delete(c.peers, m.Slot)
		c.events = append(c.events, fmt.Sprintf("gone %d", m.Slot))
	case wire.From:
		from, to, err := wire.ParsePair(m.Pair)
		if err != nil || to != c.hash {
			c.t.Errorf("slot %d received a pair message for %x: %v", c.slot, to, err)
		}
		for slot, hash := range c.peers {
			if hash == from {
				c.events = append(c.events, fmt.Sprintf("from %d: %s", slot, m.Pair[wire.PairHead:]))
				return
			}
		}
		c.t.Errorf("slot %d received a pair message from %x, who is not there", c.slot, from)
	case wire.Sealed:
		p, err := wire.ParsePacket(m.Packet)
		if _, ok := c.peers[p.KID.Slot()]; err != nil || !ok {
			c.t.Errorf("slot %d received the reliable packet %x from %d: %v", c.slot, m.Packet, p.KID.Slot(), err)
		}
		c.events = append(c.events, fmt.Sprintf("chat of %d: %s", p.KID.Slot(), m.Packet[p.Header:]))
	case wire.Layers:
		c.events = append(c.events, layersText(m))
		c.told = append(c.told, time.Now())
	case wire.Away:
		if c.peers[m.Slot] != m.Hash {
			c.t.Errorf("slot %d heard that %d with %x is away (%v), knew %x", c.slot, m.Slot, m.Hash, m.Away, c.peers[m.Slot])
		}
		word := "back"
		if m.Away {
			word = "away"
		}
		c.events = append(c.events, fmt.Sprintf("%s %d", word, m.Slot))
	case wire.Resumed:
		c.got--
		c.events = append(c.events, fmt.Sprintf("resumed %d", m.Received))
	case wire.Ack:
		c.got--
		c.acks = append(c.acks, m.Received)
	case wire.Error:
		c.got--
		c.err = &m
		c.events = append(c.events, fmt.Sprintf("error %d", m.Code))
	default:
		c.t.Errorf("the hub sent %#v", m)
	}
}

func (c *client) readPackets() {
	var b [wire.MaxDatagram]byte
	for {
		n, err := c.conn.RecvDatagram(b[:])
		if err != nil {
			return
		}
		if wire.IsSkip(b[:n]) {
			continue // in large sessions
		}
		p, err := wire.ParsePacket(b[:n])
		if err != nil {
			c.t.Errorf("the hub forwarded %x: %v", b[:n], err)
			continue
		}
		body := b[p.Header:n]
		sent := time.Unix(0, int64(binary.BigEndian.Uint64(body)))
		c.mu.Lock()
		c.packets = append(c.packets, packet{string(body[8:]), time.Since(sent)})
		c.mu.Unlock()
	}
}

// sealed returns a packet of the given kind as the member in a slot sends it:
// the time and the body take the place of what is sealed.
func sealed(slot uint16, k wire.Kind, ctr uint64, body string) []byte {
	b := []byte{byte(wire.NewClear(k, 0))}
	b = sframe.AppendHeader(b, uint64(sframe.NewKID(slot, sframe.StreamVideo, 0, 0)), ctr)
	b = binary.BigEndian.AppendUint64(b, uint64(time.Now().UnixNano()))
	return append(b, body...)
}

// say sends a packet.
func (c *client) say(k wire.Kind, body string) {
	c.t.Helper()
	if err := c.conn.SendDatagram(sealed(c.at(), k, 1, body)); err != nil {
		c.t.Error(err)
	}
}

// layersText returns a message for comparisons: "layers 640x480@30c+ 160x96@10"
// is for two layers, the first in colour and fresh.
func layersText(m wire.Layers) string {
	b := []byte("layers")
	for _, l := range m.Layers {
		b = append(b, ' ')
		b = append(b, sizeText(l.Size)...)
		if l.Fresh {
			b = append(b, '+')
		}
	}
	return string(b)
}

func sizeText(s wire.Size) string {
	text := fmt.Sprintf("%dx%d@%d", s.Width, s.Height, s.FPS)
	if s.Colour {
		text += "c"
	}
	if s.Tall {
		text += "t"
	}
	return text
}

// layered returns a packet with a picture of a layer as the member in a slot
// sends it.
func layered(slot uint16, layer int, ctr uint64, body string) []byte {
	b := []byte{byte(wire.NewClear(wire.KindVideo, uint8(layer)))}
	b = sframe.AppendHeader(b, uint64(sframe.NewKID(slot, wire.LayerStream(layer), 0, 0)), ctr)
	b = binary.BigEndian.AppendUint64(b, uint64(time.Now().UnixNano()))
	return append(b, body...)
}

// show sends a picture of each layer, whose body is its number, and waits
// until all have arrived.
func (c *client) show() {
	c.t.Helper()
	for layer := range wire.MaxLayers {
		if err := c.conn.SendDatagram(layered(c.at(), layer, 1, fmt.Sprint(layer))); err != nil {
			c.t.Error(err)
		}
		synctest.Wait()
	}
}

// watch sends a Watch.
func (c *client) watch(views ...wire.View) {
	c.t.Helper()
	c.send(wire.Watch{Views: views})
}

// at returns how to look at the member in a slot.
func at(slot, width, height uint16, fps uint8) wire.View {
	return wire.View{Slot: slot, Size: wire.Size{Width: width, Height: height, FPS: fps}}
}

// chat sends a reliable packet.
func (c *client) chat(body string) {
	c.t.Helper()
	c.send(wire.Sealed{Packet: reliable(c.at(), sframe.StreamChat, body)})
}

// reliable returns a packet that goes in a Sealed message; the body takes the
// place of what is sealed.
func reliable(slot uint16, s sframe.Stream, body string) []byte {
	b := []byte{byte(wire.NewClear(wire.KindControl, 0))}
	b = sframe.AppendHeader(b, uint64(sframe.NewKID(slot, s, 0, 0)), 1)
	return append(b, body...)
}

// tell sends a pair message.
func (c *client) tell(to hello.Hash, body string) {
	c.t.Helper()
	c.send(wire.Forward{Pair: pair(c.hash, to, body)})
}

func pair(from, to hello.Hash, body string) []byte {
	return append(append(append([]byte{1}, from[:]...), to[:]...), body...)
}

// at returns the client's slot.
func (c *client) at() uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slot
}

// wantEvents checks what the hub has said so far, and forgets it.
func (c *client) wantEvents(name string, want ...string) {
	c.t.Helper()
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.events, want) {
		c.t.Errorf("%s heard %q, want %q", name, c.events, want)
	}
	c.events = nil
}

// heard returns the packets received so far, and forgets them.
func (c *client) heard() []packet {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.packets
	c.packets = nil
	return p
}

// wantPackets checks which packets have arrived so far, and forgets them.
func (c *client) wantPackets(name string, want ...string) {
	c.t.Helper()
	var got []string
	for _, p := range c.heard() {
		got = append(got, p.body)
	}
	if !slices.Equal(got, want) {
		c.t.Errorf("%s received %q, want %q", name, got, want)
	}
}

// close hangs up and waits for the readers. They first take what has arrived,
// which is otherwise lost in part.
func (c *client) close() {
	synctest.Wait()
	c.conn.Close()
	c.wg.Wait()
}
