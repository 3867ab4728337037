package cipher

import (
	stdcipher "crypto/cipher"
	"crypto/hkdf"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/sanix-darker/s2c/cipher/sframe"
)

// maxCTR is how many packets one key seals. AES-GCM stays far within its
// limits, and a counter never takes more than three bytes.
const maxCTR = 1 << 24

// suite5 is AES_256_GCM_SHA512_128 in the registry of RFC 9605.
const suite5 = 5

// A streamKey seals or opens the packets of one KID. It is guarded by the
// mutex of whoever holds it.
type streamKey struct {
	aead stdcipher.AEAD
	salt [12]byte

	// Scratch, here because what goes through an interface would escape.
	nonce [12]byte
	aad   [sframe.MaxHeader + 1]byte
}

// newStreamKey derives the key of a KID (RFC 9605, section 4.4.2, suite 5).
func newStreamKey(base secret, kid uint64) *streamKey {
	prk := must(hkdf.Extract(sha512.New, base.bytes(), nil))
	defer clear(prk)
	info := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint64(nil, kid), suite5)
	key := must(hkdf.Expand(sha512.New, prk, "SFrame 1.0 Secret key "+string(info), 32))
	defer clear(key)
	salt := must(hkdf.Expand(sha512.New, prk, "SFrame 1.0 Secret salt "+string(info), 12))
	return &streamKey{aead: newGCM(key), salt: [12]byte(salt)}
}

// seal appends plain, sealed as packet ctr whose header is head, to dst.
func (k *streamKey) seal(dst []byte, ctr uint64, head []byte, clear byte, plain []byte) []byte {
	return k.aead.Seal(dst, k.at(ctr), plain, k.authenticated(head, clear))
}

// open appends what was sealed as packet ctr to dst.
func (k *streamKey) open(dst []byte, ctr uint64, head []byte, clear byte, sealed []byte) ([]byte, error) {
	return k.aead.Open(dst, k.at(ctr), sealed, k.authenticated(head, clear))
}

// at returns the nonce of packet ctr: the salt XOR ctr.
func (k *streamKey) at(ctr uint64) []byte {
	k.nonce = k.salt
	binary.BigEndian.PutUint64(k.nonce[4:], binary.BigEndian.Uint64(k.salt[4:])^ctr)
	return k.nonce[:]
}

// authenticated returns SFrame header || clear byte. In the packet the clear
// byte comes first: to SFrame it is metadata.
func (k *streamKey) authenticated(head []byte, clear byte) []byte {
	n := copy(k.aad[:], head)
	k.aad[n] = clear
	return k.aad[:n+1]
}

// A sealer seals one of my streams. It alone counts: no caller ever chooses a
// counter, so that none is used twice.
type sealer struct {
	mu   sync.Mutex
	kid  sframe.KID
	key  *streamKey // nil before start and after close
	next uint64
}

func (t *sealer) start(kid sframe.KID, base secret) {
	t.mu.Lock()
	t.kid, t.key = kid, newStreamKey(base, uint64(kid))
	t.mu.Unlock()
}

func (t *sealer) close() {
	t.mu.Lock()
	if t.key != nil {
		*t.key = streamKey{}
		t.key = nil
	}
	t.mu.Unlock()
}

// Seal seals plain as the next packet of a stream and appends the packet to
// dst: clear byte, SFrame header, sealed payload. It allocates nothing when
// dst has room for len(plain) + Overhead bytes.
//
// plain must not overlap the room in dst. Seal fails with ErrExhausted, and
// for good, when the stream's key has sealed 2^24 packets; it fails before
// Start, after Close, and for a stream that does not exist. It then returns dst
// as it was.
func (s *Session) Seal(dst []byte, stream sframe.Stream, clear byte, plain []byte) ([]byte, error) {
	if stream >= sframe.Streams {
		return dst, fmt.Errorf("seal packet of stream %d: no such stream", stream)
	}
	t := s.sealers[stream]
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.key == nil {
		return dst, errNoKeys
	}
	if t.next >= maxCTR {
		return dst, ErrExhausted
	}
	ctr := t.next
	t.next++
	dst = slices.Grow(dst, len(plain)+Overhead)
	i := len(dst) + 1
	dst = sframe.AppendHeader(append(dst, clear), uint64(t.kid), ctr)
	return t.key.seal(dst, ctr, dst[i:], clear, plain), nil
}

// An opener opens the packets of one member.
type opener struct {
	// Set before it is shared.
	slot uint16

	// Guarded by mu.
	mu      sync.Mutex
	closed  bool
	streams [sframe.Streams]*received
	generation
}

// received is what is known of one stream of a member.
type received struct {
	key  *streamKey
	seen window
}

func (o *opener) close() {
	o.mu.Lock()
	o.closed = true
	o.base.clear()
	for i, r := range o.streams {
		if r != nil {
			*r.key = streamKey{}
			o.streams[i] = nil
		}
	}
	o.mu.Unlock()
}

// Origin says which packet was opened.
type Origin struct {
	Slot   uint16 // of the member who sealed it
	Stream sframe.Stream
	CTR    uint64 // counts the packets of that stream and key
}

// Open opens a packet and appends its payload to dst. It allocates nothing when
// dst has room for the payload, but for the first packets of a stream.
//
// It fails with ErrMalformed, ErrUnknownKey (of a member whose key is not known
// yet or no more), ErrAuth, or ErrReplay, also for a packet that is 1,024 or
// more behind the newest of its stream.
//
// packet must not overlap the room in dst, with one exception: the payload may
// be opened in place, where dst is packet[n:n] and n the size of the clear byte
// and header together. On failure Open returns dst as it was, but the room in
// it may have been overwritten; in place, that is the packet.
func (s *Session) Open(dst, packet []byte) (plain []byte, from Origin, err error) {
	if len(packet) == 0 {
		return dst, Origin{}, ErrMalformed
	}
	kid, ctr, n, err := sframe.ParseHeader(packet[1:])
	if err != nil || ctr >= maxCTR || kid.Stream() >= sframe.Streams || len(packet) < 1+n+tagLen {
		return dst, Origin{}, ErrMalformed
	}
	s.rx.RLock()
	o := s.openers[kid.Slot()]
	s.rx.RUnlock()
	if o == nil {
		return dst, Origin{}, ErrUnknownKey
	}
	plain, err = o.open(dst, packet, kid, ctr, 1+n)
	if err != nil {
		return dst, Origin{}, err
	}
	return plain, Origin{Slot: kid.Slot(), Stream: kid.Stream(), CTR: ctr}, nil
}

// open opens a packet whose header ends at byte n. Whatever it looks at, it
// keeps nothing of a packet that is not authentic.
func (o *opener) open(dst, packet []byte, kid sframe.KID, ctr uint64, n int) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || kid != o.kid(o.slot, kid.Stream()) {
		return nil, ErrUnknownKey
	}
	r := o.streams[kid.Stream()]
	if r == nil {
		r = &received{key: newStreamKey(o.base, uint64(kid))}
	}
	if r.seen.has(ctr) {
		return nil, ErrReplay
	}
	plain, err := r.key.open(dst, ctr, packet[1:n], packet[0], packet[n:])
	if err != nil {
		return nil, ErrAuth
	}
	r.seen.add(ctr)
	o.streams[kid.Stream()] = r
	return plain, nil
}
