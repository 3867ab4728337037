package cipher

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/lab/person"
)

// schedules is how many runs of the adversarial hub there are; 10,000 take some
// minutes. With -short there are fewer, unless it says otherwise.
var schedules = flag.Int("schedules", 0, "runs of the adversarial hub; 0 means 400, or 60 with -short")

// eventsEach is how many things happen in a run before the hub behaves.
const eventsEach = 50

// TestAdversarialHub has members join, speak and leave through a hub that
// holds back, repeats, reorders, damages, readdresses and loses what they send.
// At any time: nobody opens a packet who was not on its sender's list when it
// was sealed, or was there when the sender's present generation was made; nobody
// opens one twice; no key seals two packets with one counter. Once the hub
// behaves, everybody hears everybody and has the same code.
func TestAdversarialHub(t *testing.T) {
	runs := *schedules
	switch {
	case runs > 0:
	case testing.Short():
		runs = 60
	default:
		runs = 400
	}
	pools := make([]*pool, runtime.GOMAXPROCS(0))
	var total tally
	var next atomic.Int64
	var wg sync.WaitGroup
	for i := range pools {
		pools[i] = newPool(t, i)
		wg.Go(func() {
			for !t.Failed() {
				seed := next.Add(1)
				if seed > int64(runs) {
					return
				}
				w := newWorld(t, pools[i], uint64(seed))
				w.run()
				total.add(&w.tally)
				if t.Failed() {
					t.Errorf("schedule %d", seed)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d schedules of %d events: %+v", runs, eventsEach, total.figures)
	f := total.figures
	for name, n := range map[string]int{
		"joins": f.Joins, "leaves": f.Leaves, "packets opened": f.Opened, "packets refused": f.Refused, "replays refused": f.Replays,
		"damaged messages": f.Damaged, "messages lost": f.Lost, "repeated": f.Repeated, "wrong passphrases": f.Guesses, "generations": f.Rekeyed,
	} {
		if n == 0 {
			t.Errorf("no %s: the schedules do not show anything of them", name)
		}
	}
}

// figures are what happened in some runs.
type figures struct {
	Joins, Leaves, Opened, Refused, Replays, Damaged, Lost, Repeated, Glares, Guesses, Expired, Rekeyed, Rejoins, Members int
}

type tally struct {
	mu sync.Mutex
	figures
}

func (t *tally) add(o *tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, g := &t.figures, &o.figures
	for _, p := range [][2]*int{
		{&f.Joins, &g.Joins},
		{&f.Leaves, &g.Leaves},
		{&f.Opened, &g.Opened},
		{&f.Refused, &g.Refused},
		{&f.Replays, &g.Replays},
		{&f.Damaged, &g.Damaged},
		{&f.Lost, &g.Lost},
		{&f.Repeated, &g.Repeated},
		{&f.Glares, &g.Glares},
		{&f.Guesses, &g.Guesses},
		{&f.Expired, &g.Expired},
		{&f.Rekeyed, &g.Rekeyed},
		{&f.Rejoins, &g.Rejoins},
		{&f.Members, &g.Members},
	} {
		*p[0] += *p[1]
	}
}

// A pool has sessions made before, as the signature takes longer than all the
// rest. A schedule uses each of them once.
type pool struct{ plain, secret []*Session }

const poolSize = 48

func newPool(t *testing.T, n int) *pool {
	p := new(pool)
	for i := range poolSize {
		c := Config{
			Identity: person.Identity(t, i), Binding: sha256.Sum256(fmt.Appendf(nil, "%d %d", n, i)),
			Session: "session1", Name: fmt.Sprintf("member %d", i),
		}
		s, err := NewSession(c)
		if err != nil {
			t.Fatal(err)
		}
		p.plain = append(p.plain, s)
		c.Passphrase = "ember-lake-tiger"
		if s, err = NewSession(c); err != nil {
			t.Fatal(err)
		}
		p.secret = append(p.secret, s)
	}
	return p
}

// fresh returns a session as s was when it was made, with a new sender key.
func fresh(s *Session, passphrase string, rng *rand.Rand) *Session {
	base := make([]byte, baseLen)
	for i := range base {
		base[i] = byte(rng.Uint32())
	}
	n := &Session{
		name: s.name, session: s.session, hello: s.hello, cert: s.cert, hash: s.hash, guard: new(Guard),
		agree: s.agree, decap: s.decap, own: generation{base: newSecret(base)},
		peers: make(map[hello.Hash]*peer), gone: make(map[hello.Hash]struct{}), openers: make(map[uint16]*opener),
	}
	if passphrase != "" {
		n.password = newSecret([]byte(passphrase))
	}
	for i := range n.sealers {
		n.sealers[i] = new(sealer)
	}
	return n
}

// An actor is a member of a world.
type actor struct {
	*Session
	n        int
	v        hello.Verified
	outsider bool // has another passphrase
	left     bool
	ghosts   map[hello.Hash]uint32 // who has left: may open what I seal before this generation
	lost     bool                  // a handshake has failed: joins anew once the hub behaves
	opened   map[*packet]bool
}

// A packet is one that somebody has sealed.
type packet struct {
	b      []byte
	from   *actor
	gen    uint32
	listed map[hello.Hash]bool // who may open it
}

// An item is something on its way through the hub.
type item struct {
	to   *actor
	pair []byte // a pair message, or
	peer *actor // news of somebody who
	here bool   // was there before, or joins, or
	gone bool   // has left
}

// A world is one schedule.
type world struct {
	t        *testing.T
	rng      *rand.Rand
	pool     *pool
	now      time.Time
	used     int
	secret   string
	long     bool // so much time passes that handshakes expire
	honest   bool // the hub behaves
	actors   []*actor
	queue    []item
	packets  []*packet
	counters map[[32]byte]bool
	max      int
	outside  int
	tally
}

func newWorld(t *testing.T, p *pool, seed uint64) *world {
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 7)), pool: p, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		counters: make(map[[32]byte]bool),
	}
	w.max = 2 + w.rng.IntN(11)
	w.long = w.rng.IntN(4) == 0
	if w.rng.IntN(3) == 0 {
		w.secret = "ember-lake-tiger"
	}
	return w
}

// present returns who has not left.
func (w *world) present() []*actor {
	var list []*actor
	for _, a := range w.actors {
		if !a.left {
			list = append(list, a)
		}
	}
	return list
}

func (w *world) run() {
	for range 2 + w.rng.IntN(3) {
		w.join(false)
	}
	for range eventsEach {
		w.event()
		if w.t.Failed() {
			return
		}
	}
	w.Members += len(w.present())
	w.settle()
}

// event does one thing.
func (w *world) event() {
	list := w.present()
	switch r := w.rng.IntN(100); {
	case r < 10:
		if len(list) < w.max && w.used < poolSize {
			w.join(w.secret != "" && w.outside < 2 && w.rng.IntN(5) == 0)
		}
	case r < 15:
		if len(list) > 2 {
			w.leave(list[w.rng.IntN(len(list))])
		}
	case r < 60:
		for range 1 + w.rng.IntN(6) {
			w.move()
		}
	case r < 85:
		if len(list) > 0 {
			w.speak(list[w.rng.IntN(len(list))])
		}
		for range 8 {
			w.listen()
		}
	default:
		step := 80
		if w.long {
			step = 1500
		}
		w.pass(time.Duration(w.rng.IntN(step)) * time.Millisecond)
	}
}

// join adds a member in the lowest free slot.
func (w *world) join(outsider bool) {
	from, passphrase := w.pool.plain, w.secret
	if w.secret != "" {
		from = w.pool.secret
	}
	if outsider {
		passphrase = "another one"
		w.outside++
	}
	a := &actor{Session: fresh(from[w.used], passphrase, w.rng), n: len(w.actors), outsider: outsider, ghosts: make(map[hello.Hash]uint32), opened: make(map[*packet]bool)}
	w.used++
	v, err := verifyOnce(a.Session)
	if err != nil {
		w.t.Fatal(err)
	}
	a.v = v
	slot := uint16(0)
	for slices.ContainsFunc(w.present(), func(o *actor) bool { return o.slot == slot }) {
		slot++
	}
	if err := a.Start(slot); err != nil {
		w.t.Fatal(err)
	}
	for _, o := range w.present() {
		glare := !w.honest && w.rng.IntN(20) == 0
		if glare {
			w.Glares++
		}
		w.queue = append(w.queue, item{to: a, peer: o, here: !glare}, item{to: o, peer: a})
	}
	w.actors = append(w.actors, a)
	w.Joins++
}

var (
	verifiedMu sync.Mutex
	verifieds  = make(map[hello.Hash]hello.Verified)
)

// verifyOnce is hello.Verify, once for each session of a pool.
func verifyOnce(s *Session) (hello.Verified, error) {
	verifiedMu.Lock()
	defer verifiedMu.Unlock()
	v, ok := verifieds[s.hash]
	if !ok {
		var err error
		if v, err = hello.Verify(s.hello, s.cert); err != nil {
			return v, err
		}
		verifieds[s.hash] = v
	}
	return v, nil
}

// leave takes a member out, with a goodbye or without one.
func (w *world) leave(a *actor) {
	if w.rng.IntN(2) == 0 {
		w.post(a, a.Bye())
	}
	a.left = true
	w.Leaves++
	for _, o := range w.present() {
		w.queue = append(w.queue, item{to: o, peer: a, gone: true})
	}
}

// post puts pair messages of a into the queue.
func (w *world) post(a *actor, pair [][]byte) {
	for _, m := range pair {
		if hello.Hash(m[1:33]) != a.hash {
			w.t.Errorf("a message of slot %d has another sender", a.slot)
		}
		for _, o := range w.actors {
			if o.hash == hello.Hash(m[33:65]) && !o.left {
				w.queue = append(w.queue, item{to: o, pair: m})
			}
		}
	}
}

// move does something with what waits at the hub.
func (w *world) move() {
	if len(w.queue) == 0 {
		return
	}
	i := 0
	if w.rng.IntN(3) == 0 {
		i = w.rng.IntN(len(w.queue)) // out of order
	}
	it := w.queue[i]
	if it.pair == nil {
		if w.rng.IntN(5) > 0 { // else held back
			w.queue = slices.Delete(w.queue, i, i+1)
			w.deliver(it)
		}
		return
	}
	switch r := w.rng.IntN(20); {
	case r == 0:
		w.queue = slices.Delete(w.queue, i, i+1)
		w.Lost++
	case r < 3:
		w.Repeated++
		w.deliver(it) // and again later
	case r < 6:
		bad := bytes.Clone(it.pair)
		switch w.rng.IntN(3) {
		case 0:
			bad[w.rng.IntN(len(bad))] ^= 1 << w.rng.IntN(8)
		case 1:
			bad = bad[:w.rng.IntN(len(bad))]
		case 2:
			bad[0] = byte(w.rng.IntN(6))
			if bad[0] == it.pair[0] {
				bad[0] = 9
			}
		}
		w.Damaged++
		w.damaged(it.to, bad)
	case r == 6:
		if o := w.actors[w.rng.IntN(len(w.actors))]; o != it.to {
			w.Damaged++
			w.damaged(o, it.pair)
		}
	default:
		w.queue = slices.Delete(w.queue, i, i+1)
		w.deliver(it)
	}
}

// damaged hands a message to a member that must refuse it.
func (w *world) damaged(a *actor, b []byte) {
	if out, err := a.Handle(w.now, b); err == nil || len(out.Pair)+len(out.Events) > 0 {
		w.t.Errorf("slot %d took a damaged message %x: %+v", a.slot, b, out)
	}
}

// deliver hands an item to its member.
func (w *world) deliver(it item) {
	a := it.to
	if a.left {
		return
	}
	switch {
	case it.pair != nil:
		out, err := a.Handle(w.now, it.pair)
		if err == nil {
			w.take(a, out)
		}
	case it.gone:
		w.forgets(a, it.peer.hash)
		a.Forget(w.now, it.peer.hash)
	case it.here:
		if err := a.Meet(w.now, it.peer.slot, it.peer.v); err != nil && !expected(err) {
			w.t.Errorf("slot %d meets slot %d: %v", a.slot, it.peer.slot, err)
		}
	default:
		pair, err := a.Welcome(w.now, it.peer.slot, it.peer.v)
		switch {
		case err == nil:
			w.post(a, [][]byte{pair})
		case errors.Is(err, errSlotTaken):
			w.queue = append(w.queue, it) // until the hub says that the one before has left
		case !expected(err):
			w.t.Errorf("slot %d welcomes slot %d: %v", a.slot, it.peer.slot, err)
		}
	}
	w.due(a)
}

// expected reports whether an error is one that such a hub causes.
func expected(err error) bool {
	return errors.Is(err, errSlotTaken) || errors.Is(err, errSpent) || errors.Is(err, errKnown) || errors.Is(err, ErrGuessing)
}

// forgets notes that a forgets a member, who holds what a has told.
func (w *world) forgets(a *actor, id hello.Hash) {
	p := a.peers[id]
	if p == nil || !p.sealed {
		return
	}
	a.noteGhost(id)
}

// noteGhost notes that whoever was forgotten may open what is sealed with the
// generations that there are now.
func (a *actor) noteGhost(id hello.Hash) {
	before := a.own.gen + 1
	if a.turn.pending {
		before = a.turn.next.gen + 1
	}
	a.ghosts[id] = before
}

// take does what a session asks for.
func (w *world) take(a *actor, out Out) {
	w.post(a, out.Pair)
	for _, e := range out.Events {
		other := slices.IndexFunc(w.actors, func(o *actor) bool { return o.hash == e.Peer.ID })
		switch e.Kind {
		case Confirmed:
			if o := w.actors[other]; o.outsider != a.outsider || o.name != e.Peer.Name || o.slot != e.Peer.Slot || o.v.Hello().Fingerprint != e.Peer.Fingerprint {
				w.t.Errorf("slot %d confirms %+v", a.slot, e.Peer)
			}
		case Rekeyed:
			w.Rekeyed++
		case GuessFailed:
			w.Guesses++
		case Expired:
			w.Expired++
		case Departed, Removed, CodeChanged, GivenUp:
		}
		if e.Kind == GuessFailed || e.Kind == Expired || e.Kind == Departed || e.Kind == GivenUp {
			if e.Kind == Departed || e.Kind == GivenUp { // due notes the others, if they were told a key
				a.noteGhost(e.Peer.ID)
			}
			if o := w.actors[other]; !o.left && o.outsider == a.outsider {
				a.lost, o.lost = true, true // the two have no channel any more
			}
		}
	}
}

// due does what time asks for. A Session may make a generation in it, after it
// forgets somebody: that one is not for them.
func (w *world) due(a *actor) {
	gen := a.turn.next.gen
	if !a.turn.pending {
		gen = a.own.gen
	}
	var had []hello.Hash
	for id, p := range a.peers {
		if p.sealed && !p.deadline.IsZero() && !w.now.Before(p.deadline) {
			had = append(had, id)
		}
	}
	out, next := a.Due(w.now)
	w.take(a, out)
	for _, id := range had {
		a.ghosts[id] = gen + 1
	}
	if len(a.peers) > 0 && (next.IsZero() || next.Sub(w.now) > tick) {
		w.t.Errorf("next Due of slot %d is in %v", a.slot, next.Sub(w.now))
	}
}

// pass lets time pass for everybody, in some steps.
func (w *world) pass(d time.Duration) {
	for d > 0 {
		step := min(d, 50*time.Millisecond)
		w.now, d = w.now.Add(step), d-step
		for _, a := range w.present() {
			w.due(a)
		}
	}
}

// speak has a member seal a packet.
func (w *world) speak(a *actor) *packet {
	p := &packet{from: a, listed: make(map[hello.Hash]bool)}
	for _, o := range a.Peers() {
		p.listed[o.ID] = true
	}
	for id, before := range a.ghosts {
		if a.own.gen < before {
			p.listed[id] = true
		}
	}
	stream := sframe.Stream(w.rng.IntN(sframe.Streams))
	key := fmt.Appendf(nil, "%x %d %d", a.own.base.bytes(), stream, a.sealers[stream].next)
	if n := sha256.Sum256(key); w.counters[n] {
		w.t.Errorf("slot %d seals twice with one key and counter", a.slot)
	} else {
		w.counters[n] = true
	}
	p.gen = a.own.gen
	b, err := a.Seal(nil, stream, 0, []byte("hear me"))
	if err != nil {
		w.t.Fatal(err)
	}
	p.b = b
	w.packets = append(w.packets, p)
	return p
}

// listen has anybody, also who has left, try to open any packet.
func (w *world) listen() {
	if len(w.packets) == 0 {
		return
	}
	p := w.packets[w.rng.IntN(len(w.packets))]
	if w.rng.IntN(2) == 0 {
		p = w.packets[len(w.packets)-1-w.rng.IntN(min(len(w.packets), 6))]
	}
	w.open(w.actors[w.rng.IntN(len(w.actors))], p)
}

// open has a try to open a packet and checks that it may.
func (w *world) open(a *actor, p *packet) bool {
	plain, from, err := a.Open(nil, p.b)
	if err != nil {
		w.Refused++
		if errors.Is(err, ErrReplay) {
			w.Replays++
		}
		return false
	}
	w.Opened++
	switch {
	case a == p.from || string(plain) != "hear me" || from.Slot != p.from.slot:
		w.t.Errorf("slot %d opened %q of %+v, sealed by slot %d", a.slot, plain, from, p.from.slot)
	case !p.listed[a.hash]:
		w.t.Errorf("actor %d (outsider %v, left %v) opens what actor %d has not sealed for them", a.n, a.outsider, a.left, p.from.n)
	case a.opened[p]:
		w.t.Errorf("actor %d opens a packet twice", a.n)
	}
	a.opened[p] = true
	return true
}

// settle lets the hub behave, and those join anew whom it has cost a channel,
// and checks that everybody hears everybody.
func (w *world) settle() {
	w.honest = true
	w.queue = slices.DeleteFunc(w.queue, func(it item) bool { return it.pair == nil && it.peer.left })
	var news []item
	for _, a := range w.present() {
		for _, o := range w.actors {
			if o.left {
				news = append(news, item{to: a, peer: o, gone: true})
			}
		}
	}
	w.queue = append(news, w.queue...)
	w.flush()
	w.calm(3 * time.Second)
	for range 3 { // who joins anew is met by others who do
		lost := false
		for _, a := range w.present() {
			if a.lost && w.used < poolSize {
				lost = true
				w.Rejoins++
				w.leave(a)
				w.join(a.outsider)
			}
		}
		if !lost {
			break
		}
		w.calm(3 * time.Second)
	}
	if slices.ContainsFunc(w.present(), func(a *actor) bool { return a.lost }) {
		return // the pool is used up
	}
	w.calm(6 * time.Second) // for keys to be asked for, generations to switch, the code
	w.check()
}

// flush delivers everything that the hub holds, in order.
func (w *world) flush() {
	for n := 0; len(w.queue) > 0 && !w.t.Failed(); n++ {
		if n > 100_000 {
			w.t.Error("the queue never empties")
			return
		}
		it := w.queue[0]
		w.queue = w.queue[1:]
		w.deliver(it)
	}
}

// calm lets time pass with a hub that delivers at once, while everybody speaks.
func (w *world) calm(d time.Duration) {
	for ; d > 0; d -= 100 * time.Millisecond {
		w.pass(100 * time.Millisecond)
		w.flush()
		for _, a := range w.present() {
			p := w.speak(a)
			for _, o := range w.actors {
				w.open(o, p)
			}
		}
	}
}

// check fails the test unless everybody hears everybody and nobody else does.
func (w *world) check() {
	rosters := make(map[bool]map[[32]byte]bool)
	codes := make(map[bool]map[[4]string]bool)
	for _, a := range w.present() {
		want := 0
		for _, o := range w.present() {
			if o != a && o.outsider == a.outsider {
				want++
			}
		}
		peers := a.Peers()
		confirmed := 0
		for _, p := range peers {
			if p.Confirmed {
				confirmed++
			}
		}
		if confirmed != want || len(peers) != want {
			w.t.Errorf("actor %d (outsider %v) has %d peers of %d, %d are confirmed", a.n, a.outsider, len(peers), want, confirmed)
		}
		p := w.speak(a)
		for _, o := range w.actors {
			if heard, should := w.open(o, p), !o.left && o != a && o.outsider == a.outsider; heard != should {
				w.t.Errorf("actor %d hears actor %d: %v, want %v", o.n, a.n, heard, should)
			}
		}
		for id, before := range a.ghosts {
			if a.own.gen < before {
				w.t.Errorf("actor %d still seals with a key that %x has: generation %d, before %d, turn %+v at %v", a.n, id[:4], a.own.gen, before, a.turn, w.now)
			}
		}
		words, ok := a.Code()
		if ok != (want > 0) {
			w.t.Errorf("actor %d has a code: %v, with %d peers", a.n, ok, want)
		}
		if rosters[a.outsider] == nil {
			rosters[a.outsider], codes[a.outsider] = make(map[[32]byte]bool), make(map[[4]string]bool)
		}
		rosters[a.outsider][a.Digest()] = true
		if ok {
			codes[a.outsider][words] = true
		}
	}
	for outsider := range rosters {
		if len(rosters[outsider]) > 1 || len(codes[outsider]) > 1 {
			w.t.Errorf("%d rosters and codes %v", len(rosters[outsider]), slices.Collect(maps.Keys(codes[outsider])))
		}
	}
}
