package proverif

import (
	"slices"
	"testing"
)

// A term is what a message is made of; equal terms have equal values.
type term int32

// An op says how a term is made of others.
type op uint8

const (
	opName      op = iota // something random, or a constant
	opPair                // two terms, one after the other
	opHash                // any hash or key derivation of one term
	opPublic              // the public key of an identity
	opSign                // a signature over a term by an identity; shows the term
	opKEM                 // the public key of an X-Wing key
	opEnc                 // an encapsulation to a public key with coins
	opShared              // what the encapsulation carries
	opPoint               // the X25519 public key of a scalar
	opAgreement           // X25519 of two scalars, the smaller term first
	opBox                 // a key; additional data and plaintext as a pair
)

// A node is a term's op and its parts. Ops of one part leave b zero; a name
// has its number in a.
type node struct {
	op   op
	a, b term
}

// An algebra makes terms.
type algebra struct {
	nodes []node
	index map[node]term
	names term
}

func newAlgebra() *algebra { return &algebra{index: make(map[node]term)} }

func (g *algebra) make(o op, a, b term) term {
	n := node{o, a, b}
	t, ok := g.index[n]
	if !ok {
		t = term(len(g.nodes))
		g.nodes = append(g.nodes, n)
		g.index[n] = t
	}
	return t
}

// name returns a term that is equal to no other.
func (g *algebra) name() term {
	g.names++
	return g.make(opName, g.names, 0)
}

func (g *algebra) tuple(first term, rest ...term) term {
	if len(rest) == 0 {
		return first
	}
	return g.make(opPair, first, g.tuple(rest[0], rest[1:]...))
}

func (g *algebra) hash(parts ...term) term { return g.make(opHash, g.tuple(parts[0], parts[1:]...), 0) }
func (g *algebra) public(id term) term     { return g.make(opPublic, id, 0) }
func (g *algebra) sign(m, id term) term    { return g.make(opSign, m, id) }
func (g *algebra) kem(key term) term       { return g.make(opKEM, key, 0) }
func (g *algebra) enc(pub, coins term) term {
	return g.make(opEnc, pub, coins)
}

func (g *algebra) shared(pub, coins term) term { return g.make(opShared, pub, coins) }
func (g *algebra) point(x term) term           { return g.make(opPoint, x, 0) }
func (g *algebra) agreement(x, y term) term    { return g.make(opAgreement, min(x, y), max(x, y)) }
func (g *algebra) box(key, ad, plain term) term {
	return g.make(opBox, key, g.make(opPair, ad, plain))
}

// A knowledge is what the attacker has: the terms of a set, which is closed
// under taking them apart, and all that can be put together from them. Putting
// together has no bound: derives looks for how the wanted term is made.
type knowledge struct {
	g         *algebra
	brokenKEM bool // an encapsulation shows what it carries
	brokenDH  bool // a point shows its scalar

	known []bool // by term
	list  []term // the same
}

func (k *knowledge) has(t term) bool { return int(t) < len(k.known) && k.known[t] }

// put adds t, without taking it apart.
func (k *knowledge) put(t term) bool {
	if k.has(t) {
		return false
	}
	if n := len(k.g.nodes); len(k.known) < n {
		k.known = slices.Grow(k.known, n-len(k.known))[:n]
	}
	k.known[t] = true
	k.list = append(k.list, t)
	return true
}

// forget goes back to when there were n terms in the list.
func (k *knowledge) forget(n int) {
	for _, t := range k.list[n:] {
		k.known[t] = false
	}
	k.list = k.list[:n]
}

// learn adds terms and takes apart what can be, until nothing new comes of it.
func (k *knowledge) learn(terms ...term) {
	for _, t := range terms {
		k.put(t)
	}
	for more := true; more; {
		more = false
		for i := 0; i < len(k.list); i++ {
			n := k.g.nodes[k.list[i]]
			switch {
			case n.op == opPair:
				more = k.put(n.a) || more
				more = k.put(n.b) || more
			case n.op == opSign, n.op == opPoint && k.brokenDH:
				more = k.put(n.a) || more
			case n.op == opEnc && k.brokenKEM:
				more = k.put(k.g.shared(n.a, n.b)) || more
			case n.op == opBox && k.derives(n.a):
				more = k.put(k.g.nodes[n.b].b) || more
			}
		}
	}
}

// derives reports whether the attacker has t or can make it.
func (k *knowledge) derives(t term) bool {
	if k.has(t) {
		return true
	}
	n := k.g.nodes[t]
	switch n.op {
	case opHash, opPublic, opKEM, opPoint:
		return k.derives(n.a)
	case opPair, opSign, opEnc, opBox:
		return k.derives(n.a) && k.derives(n.b)
	case opShared:
		pub := k.g.nodes[n.a]
		return k.derives(n.a) && k.derives(n.b) || // who made it
			pub.op == opKEM && k.derives(pub.a) && k.derives(k.g.enc(n.a, n.b)) // whose key it is
	case opAgreement:
		return k.derives(n.a) && k.derives(k.g.point(n.b)) || k.derives(n.b) && k.derives(k.g.point(n.a))
	default:
		return false
	}
}

func TestKnowledge(t *testing.T) {
	g := newAlgebra()
	a, b, key, plain, id, coins := g.name(), g.name(), g.name(), g.name(), g.name(), g.name()
	box := g.box(g.hash(key), a, plain)
	enc := g.enc(g.kem(key), coins)
	for _, c := range []struct {
		what  string
		knows []term
		wants term
		has   bool
	}{
		{"a pair from its parts", []term{a, b}, g.tuple(a, b), true},
		{"a part of a pair", []term{g.tuple(a, b)}, b, true},
		{"what was hashed", []term{g.hash(a)}, a, false},
		{"a box from its key", []term{key, a, plain}, box, true},
		{"a box from another key", []term{g.hash(g.hash(key)), a, plain}, box, false},
		{"what is in a box", []term{box, key}, plain, true},
		{"what is in a box whose key comes later", []term{box, g.tuple(a, key)}, plain, true},
		{"what is in a closed box", []term{box}, plain, false},
		{"what was signed", []term{g.sign(a, id)}, a, true},
		{"a signature without the identity", []term{a, g.public(id)}, g.sign(a, id), false},
		{"what was encapsulated, with the key", []term{enc, key}, g.shared(g.kem(key), coins), true},
		{"what was encapsulated, with the coins", []term{g.kem(key), coins}, g.shared(g.kem(key), coins), true},
		{"what was encapsulated, with neither", []term{enc, g.kem(key)}, g.shared(g.kem(key), coins), false},
		{"an agreement from one scalar", []term{a, g.point(b)}, g.agreement(b, a), true},
		{"an agreement from two points", []term{g.point(a), g.point(b)}, g.agreement(a, b), false},
	} {
		k := knowledge{g: g}
		k.learn(c.knows...)
		if got := k.derives(c.wants); got != c.has {
			t.Errorf("%s: derives = %v, want %v", c.what, got, c.has)
		}
		k.forget(0)
		if k.derives(c.wants) {
			t.Errorf("%s: still derived when all is forgotten", c.what)
		}
	}
}
