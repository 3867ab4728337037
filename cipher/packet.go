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
func newStreamKey(base []byte, kid uint64) *streamKey {
	prk := must(hkdf.Extract(sha512.New, base, nil))
	defer clear(prk)
	info := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint64(nil, kid), suite5)
	key := must(hkdf.Expand(sha512.New, prk, "SFrame 1.0 Secret key "+string(info), 32))
	defer clear(key)
	salt := must(hkdf.Expand(sha512.New, prk, "SFrame 1.0 Secret salt "+string(info), 12))
	return &streamKey{aead: newPacketAEAD(key), salt: [12]byte(salt)}
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

// start seals with another key from now on, from the first counter on. The KID
// may have been there before: its step or generation counts modulo 16.
func (t *sealer) start(kid sframe.KID, base []byte) {
	key := newStreamKey(base, uint64(kid))
	t.mu.Lock()
	if t.key != nil {
		*t.key = streamKey{}
	}
	t.kid, t.key, t.next = kid, key, 0
	t.mu.Unlock()
}

// count returns how many packets the key has sealed.
func (t *sealer) count() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next
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
