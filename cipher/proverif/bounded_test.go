package proverif

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The bounded search asks the queries of handshake.pv of a small world, by
// trying everything in it. Its bounds are:
//
//   - Two members and the attacker. Each has one identity and one Hello, with
//     one X25519 key and one X-Wing key, for one session. The attacker makes
//     Hellos of any of the three identities, X25519 keys and X-Wing keys.
//   - Each member runs once as an initiator and once as a responder, at the
//     same time and with the same Hello.
//   - Fields have their types: nothing else is read as a key or a hash. An
//     enc comes from a run or is made by the attacker with coins of his.
//   - That a key is taken only once is not asked.
//
// Within them it tries all, and what the attacker can compute has no bound. So
// an attack that it finds is one; that it finds none proves nothing beyond.

// A label or another constant; the attacker knows them.
type constants struct {
	hello, cert, key, fp, th, schedule, state, session, nobody, m1, m2, iTOr, rTOi term
}

// A person is a member or the attacker.
type person struct {
	id, x, kem, bind term // secrets, but for bind
	coins            term // for enc
	baseI, baseR     term // the sender keys for a run in each role
	hello            introduction
}

// An introduction is a Hello together with whose Cert it has.
type introduction struct {
	who      int // whose identity
	term, hh term
	x, kem   term // the owner of these keys says: the scalar and the private key
}

// The members and the attacker.
const (
	alice = iota
	bob
	mallory
	people
)

// A run is one handshake as one member sees it.
type run struct {
	me        int
	initiator bool
	peer      introduction // whom the hub has shown
	enc       term         // made, or got
	toI, toR  term         // keys of the boxes to the initiator and to the responder
	adI, adR  term         // their additional data
	accepted  bool
}

// A world is what the search goes through.
type world struct {
	name    string
	g       *algebra
	c       constants
	all     [people]person
	hellos  []introduction // whatever a hub can show
	hub     knowledge
	leaked  []term // what becomes known afterwards
	noDH    bool
	verdict [5]bool // of queries 1 to 5: false when there is a counterexample
}

// newWorld returns the world of a variant of handshake.pv.
func newWorld(name string) *world {
	g := newAlgebra()
	w := &world{name: name, g: g, hub: knowledge{g: g}, verdict: [5]bool{true, true, true, true, true}}
	for _, t := range []*term{
		&w.c.hello, &w.c.cert, &w.c.key, &w.c.fp, &w.c.th, &w.c.schedule, &w.c.state, &w.c.session, &w.c.nobody,
		&w.c.m1, &w.c.m2, &w.c.iTOr, &w.c.rTOi,
	} {
		*t = g.name()
		w.hub.learn(*t)
	}
	for i := range w.all {
		p := &w.all[i]
		for _, t := range []*term{&p.id, &p.x, &p.kem, &p.bind, &p.coins, &p.baseI, &p.baseR} {
			*t = g.name()
			if i == mallory || t == &p.bind {
				w.hub.learn(*t)
			}
		}
	}
	switch name {
	case "base", "v1_flawed":
	case "fs":
		w.leaked = []term{w.all[alice].id, w.all[bob].id}
	case "hndl":
		w.leaked = []term{w.all[alice].id, w.all[bob].id, w.all[alice].x, w.all[bob].x}
	case "kembroken":
		w.hub.brokenKEM = true
	case "dlog":
		w.hub.brokenDH = true
	case "ablate_dh":
		w.noDH = true
	default:
		panic("models: internal error: the search does not know the variant " + name)
	}
	w.introduce()
	return w
}

// fingerprint returns what names an identity in a Hello.
func (w *world) fingerprint(id term) term {
	if w.name == "v1_flawed" {
		return w.c.nobody
	}
	return w.g.hash(w.c.fp, w.g.public(id))
}

// certDigest returns what a Cert signs.
func (w *world) certDigest(hh, id term) term {
	return w.g.hash(w.c.cert, hh, w.g.hash(w.c.key, w.g.public(id)))
}

// newHello returns a Hello that names one person and has keys of two others.
func (w *world) newHello(bind term, who, x, kem int) introduction {
	h := introduction{who: who, x: w.all[x].x, kem: w.all[kem].kem}
	h.term = w.g.tuple(bind, w.fingerprint(w.all[who].id), w.g.point(h.x), w.g.kem(h.kem), w.c.session)
	h.hh = w.g.hash(w.c.hello, h.term)
	return h
}

// introduce makes the members' Hellos, and fills hellos with what the hub can
// make of them and of itself, as far as somebody would accept it.
func (w *world) introduce() {
	made := make([]introduction, 0, people*people*people)
	for i := range w.all {
		p := &w.all[i]
		p.hello = w.newHello(p.bind, i, i, i)
		w.hub.learn(p.hello.term, w.g.public(p.id), w.g.sign(w.certDigest(p.hello.hh, p.id), p.id))
		made = append(made, p.hello)
	}
	for i := range people * people * people {
		made = append(made, w.newHello(w.all[mallory].bind, i%people, i/people%people, i/people/people))
	}
	for _, h := range made {
		for who, p := range w.all {
			cert := w.g.sign(w.certDigest(h.hh, p.id), p.id)
			named := w.g.nodes[w.g.nodes[h.term].b].a
			h.who = who
			if named == w.fingerprint(p.id) && w.hub.derives(cert) && !slices.Contains(w.hellos, h) {
				w.hellos = append(w.hellos, h)
			}
		}
	}
}

// shown returns the Hellos that can be shown to a member: any but their own.
func (w *world) shown(me int) []introduction {
	return slices.DeleteFunc(slices.Clone(w.hellos), func(h introduction) bool { return h.hh == w.all[me].hello.hh })
}

// schedule sets the keys of a run, once enc is known.
func (w *world) schedule(r *run) {
	g, mine := w.g, &w.all[r.me]
	hhI, hhR, owner := mine.hello.hh, r.peer.hh, r.peer.kem
	if !r.initiator {
		hhI, hhR, owner = hhR, hhI, mine.kem
	}
	coins := g.nodes[r.enc].b
	ss := g.hash(w.c.schedule, g.shared(g.kem(owner), coins), hhR, hhI)
	dh := w.c.nobody
	if !w.noDH {
		dh = g.agreement(mine.x, r.peer.x)
	}
	th := g.hash(w.c.th, hhI, hhR, r.enc)
	r.toR = g.hash(w.c.schedule, th, ss, dh, w.c.iTOr)
	r.toI = g.hash(w.c.schedule, th, ss, dh, w.c.rTOi)
	r.adR = g.tuple(g.hash(w.c.iTOr, th), w.c.m1)
	r.adI = g.tuple(g.hash(w.c.rTOi, th), w.c.m2)
}

// message returns the box that a run sends: that of M1 or of M2.
func (w *world) message(r *run) term {
	if r.initiator {
		return w.g.box(r.toR, r.adR, w.payload(r))
	}
	return w.g.box(r.toI, r.adI, w.payload(r))
}

// payload returns the KeyState that a run seals.
func (w *world) payload(r *run) term {
	if r.initiator {
		return w.g.tuple(w.c.state, w.all[r.me].baseI)
	}
	return w.g.tuple(w.c.state, w.all[r.me].baseR)
}

// initiators returns the runs of a member as an initiator, one for each Hello
// that can be shown to them.
func (w *world) initiators(me int) []run {
	var list []run
	for _, h := range w.shown(me) {
		r := run{me: me, initiator: true, peer: h, enc: w.g.enc(w.g.kem(h.kem), w.all[me].coins)}
		w.schedule(&r)
		list = append(list, r)
	}
	return list
}

// responders returns the runs of a member as a responder that take M1: one for
// each Hello and each enc to their key, if the hub has the box or can make it.
// What they answer with shows sender keys at most, on which no other key
// depends, so one member's runs can be found without the other's.
func (w *world) responders(me int, begun []run) []run {
	pub := w.g.kem(w.all[me].kem)
	encs := []term{w.g.enc(pub, w.all[mallory].coins)}
	for _, r := range begun {
		if w.g.nodes[r.enc].a == pub {
			encs = append(encs, r.enc)
		}
	}
	var list []run
	for _, h := range w.shown(me) {
		for _, enc := range encs {
			r := run{me: me, peer: h, enc: enc}
			w.schedule(&r)
			if r.accepted = w.canShow(r.toR, r.adR); r.accepted {
				list = append(list, r)
			}
		}
	}
	return append(list, run{me: me}) // it takes nothing
}

// canShow reports whether the hub has a box with this key and additional data,
// or can make one.
func (w *world) canShow(key, ad term) bool {
	return w.hub.derives(key) || w.genuine(key, ad) != 0
}

// genuine returns what is in the box with this key and additional data that a
// member has made, or 0.
func (w *world) genuine(key, ad term) term {
	for _, t := range w.hub.list {
		n := w.g.nodes[t]
		if n.op == opBox && n.a == key && w.g.nodes[n.b].a == ad {
			return w.g.nodes[n.b].b
		}
	}
	return 0
}

// search tries everything. What the hub knows is a stack: each choice puts
// what it reveals on top.
func (w *world) search() (worlds int) {
	for _, a := range w.initiators(alice) {
		for _, b := range w.initiators(bob) {
			start := len(w.hub.list)
			w.hub.learn(a.enc, w.message(&a), b.enc, w.message(&b))
			begun := []run{a, b}
			second := w.responders(bob, begun)
			for _, c := range w.responders(alice, begun) {
				for _, d := range second {
					worlds++
					top := len(w.hub.list)
					w.finish([]run{a, b, c, d})
					w.hub.forget(top)
				}
			}
			w.hub.forget(start)
		}
	}
	return worlds
}

// finish has the responders answer and the initiators take what they can, and
// then asks the queries.
func (w *world) finish(runs []run) {
	for i := range runs {
		if r := &runs[i]; r.accepted {
			w.hub.learn(w.message(r))
		}
	}
	for i := range runs {
		if r := &runs[i]; r.initiator {
			r.accepted = w.canShow(r.toI, r.adI)
		}
	}
	for i := range runs {
		r := &runs[i]
		if !r.accepted || r.peer.who == mallory {
			continue
		}
		switch {
		case r.initiator:
			w.refute(5, r.me != r.peer.who)
			w.refute(4, !w.agreed(runs, r, r.toI, r.adI))
		default:
			w.refute(3, !w.agreed(runs, r, r.toR, r.adR))
		}
	}
	w.hub.learn(w.leaked...)
	for i := range runs {
		switch r := &runs[i]; {
		case r.initiator:
			w.refute(1, r.peer.who != mallory && w.hub.derives(w.all[r.me].baseI))
		case r.accepted:
			w.refute(2, r.peer.who != mallory && w.hub.derives(w.all[r.me].baseR))
		}
	}
}

// refute notes that a query has a counterexample, if it has.
func (w *world) refute(query int, found bool) {
	if found {
		w.verdict[query-1] = false
	}
}

// agreed reports whether what r took, with this key and additional data, can
// only be what its peer sealed in the other role: for r's member, with the two
// Hellos that r knows.
func (w *world) agreed(runs []run, r *run, key, ad term) bool {
	if w.hub.derives(key) {
		return false
	}
	plain := w.genuine(key, ad)
	return slices.ContainsFunc(runs, func(s run) bool {
		return s.initiator != r.initiator && (s.initiator || s.accepted) &&
			s.me == r.peer.who && s.peer.who == r.me &&
			s.peer.hh == w.all[r.me].hello.hh && r.peer.hh == w.all[s.me].hello.hh &&
			plain == w.payload(&s)
	})
}

// TestBounded expects of the search what handshake.pv expects of ProVerif.
func TestBounded(t *testing.T) {
	_, list := read(t, "handshake.pv")
	for _, v := range list {
		t.Run(v.name, func(t *testing.T) {
			w := newWorld(v.name)
			n := w.search()
			got := make([]string, len(w.verdict))
			for i, ok := range w.verdict {
				got[i] = fmt.Sprint(ok)
			}
			t.Logf("%s in %d worlds of %d Hellos and %d terms", strings.Join(got, " "), n, len(w.hellos), len(w.g.nodes))
			if !slices.Equal(got, v.expect) {
				t.Errorf("the search says %v of %s, want %v", got, v.name, v.expect)
			}
		})
	}
}
