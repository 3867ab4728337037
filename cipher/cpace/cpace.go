// Package cpace turns a short password that two people share into a strong
// key, and gives whoever listens or interferes one guess per run and nothing
// to try further guesses on.
//
// It is CPACE-X25519-SHA512 of draft-irtf-cfrg-cpace in the mode with an
// initiator and a responder, with empty associated data on both sides:
//
//	initiator                                responder
//	state, ya = Start(password, ci, sid)
//	                        ---- ya ---->
//	                                         yb, key = Respond(password, ci, sid, ya)
//	                        <---- yb ----
//	key = state.Finish(yb)
//
// Both keys are equal if and only if both passwords, channel identifiers (ci,
// who talks to whom) and session identifiers (sid, different in each run) are.
// Nothing here says whether they are: the first message sealed with the key
// does, and the caller counts the ones that do not open.
//
// Time and memory access depend on the lengths of password, ci and sid but not
// on what they hold, and not on the scalars. The package does no I/O, keeps
// nothing between calls but a State, and reads only the random source of
// crypto/rand.
package cpace

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
)

const (
	// ShareSize is the length of a share in bytes.
	ShareSize = 32
	// KeySize is the length of the key in bytes.
	KeySize = sha512.Size
)

var (
	// ErrShare is wrapped by the errors about a share of the other side that is
	// not 32 bytes long or is a point of low order. Such a share is never an
	// accident: with it the key would be the same for every password.
	ErrShare = errors.New("cpace: invalid share")
	// ErrClosed is returned by Finish after Close.
	ErrClosed = errors.New("cpace: state is closed")
)

// dsi is the domain separation label of the group, and dsiISK that of the key.
// Draft, section 7.1.
const (
	dsi    = "CPace255"
	dsiISK = dsi + "_ISK"
)

// A State is the initiator's half of a run between Start and Finish. It is not
// safe for concurrent use, and prints as [redacted].
//
// It holds the scalar and not the password.
type State struct {
	// The scalar is behind a function because package fmt follows pointers and
	// prints fields but cannot look into functions. Nil after Close.
	scalar func() *ecdh.PrivateKey
	sid    []byte
	share  [ShareSize]byte
	ad     []byte // our associated data: empty but in the draft's vectors
}

// Start begins a run and returns its state and the share to send. It keeps no
// reference to its arguments. An error is as likely as guessing the scalar.
func Start(password, ci, sid []byte) (*State, [ShareSize]byte, error) {
	y, err := newScalar()
	if err != nil {
		return nil, [ShareSize]byte{}, err
	}
	return start(y, password, ci, sid, nil)
}

// start is Start with a given scalar and associated data.
func start(y *ecdh.PrivateKey, password, ci, sid, ad []byte) (*State, [ShareSize]byte, error) {
	share, err := ownShare(y, password, ci, sid)
	if err != nil {
		return nil, [ShareSize]byte{}, err
	}
	s := &State{
		scalar: func() *ecdh.PrivateKey { return y },
		sid:    slices.Clone(sid),
		share:  share,
		ad:     slices.Clone(ad),
	}
	return s, share, nil
}

// Share returns the share that Start returned.
func (s *State) Share() [ShareSize]byte { return s.share }

// Finish returns the key that follows from the responder's share. It changes
// nothing in the state: after an answer that was forged, refused or whose key
// opened nothing, Finish may be called with another one. Each such call is one
// guess for whoever made the answer, and the caller counts them.
//
// The error wraps ErrShare, or is ErrClosed after Close.
func (s *State) Finish(share []byte) (key [KeySize]byte, err error) {
	return s.finish(share, nil)
}

// finish is Finish with the responder's associated data.
func (s *State) finish(share, ad []byte) (key [KeySize]byte, err error) {
	if s.scalar == nil {
		return key, ErrClosed
	}
	k, err := multiply(s.scalar(), share)
	if err != nil {
		return key, err
	}
	defer clear(k)
	return sessionKey(s.sid, k, side{s.share[:], s.ad}, side{share, ad}), nil
}

// Close forgets the scalar, so that later calls of Finish return ErrClosed. It
// drops the last reference to it: crypto/ecdh offers no way to overwrite it
// before the garbage collector does. Close may be called again.
func (s *State) Close() { s.scalar = nil }

// Format implements fmt.Formatter for every verb.
func (State) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// LogValue implements slog.LogValuer.
func (State) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Respond answers the initiator's share: it returns the share to send back and
// the key. The error wraps ErrShare if share is not a valid one.
func Respond(password, ci, sid, share []byte) (answer [ShareSize]byte, key [KeySize]byte, err error) {
	y, err := newScalar()
	if err != nil {
		return answer, key, err
	}
	return respond(y, password, ci, sid, side{share: share}, nil)
}

// respond is Respond with a given scalar, and the associated data of the
// initiator and of the responder.
func respond(y *ecdh.PrivateKey, password, ci, sid []byte, initiator side, ad []byte) (
	answer [ShareSize]byte, key [KeySize]byte, err error,
) {
	// The other side's share comes first: refusing it costs one
	// multiplication and no work on the password.
	k, err := multiply(y, initiator.share)
	if err != nil {
		return answer, key, err
	}
	defer clear(k)
	answer, err = ownShare(y, password, ci, sid)
	if err != nil {
		return answer, key, err
	}
	return answer, sessionKey(sid, k, initiator, side{answer[:], ad}), nil
}

// newScalar draws the secret of one run. X25519 clamps it: any 32 bytes do.
func newScalar() (*ecdh.PrivateKey, error) {
	y, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cpace: draw a scalar: %w", err)
	}
	return y, nil
}

// ownShare returns the scalar times the generator of the password.
func ownShare(y *ecdh.PrivateKey, password, ci, sid []byte) (share [ShareSize]byte, err error) {
	g := generator(password, ci, sid)
	defer clear(g[:])
	p, err := multiply(y, g[:])
	if err != nil {
		// The hash of the password hit one of a handful of points of low
		// order, out of 2^255.
		return share, fmt.Errorf("cpace: generator of low order: %w", err)
	}
	return [ShareSize]byte(p), nil
}

// multiply is scalar_mult_vfy of the draft: X25519, which ignores the highest
// bit of a share and accepts coordinates that are not reduced, and an error if
// the result is all zero. crypto/ecdh compares it in constant time.
func multiply(y *ecdh.PrivateKey, share []byte) ([]byte, error) {
	point, err := ecdh.X25519().NewPublicKey(share)
	if err != nil {
		return nil, fmt.Errorf("%w: %d bytes, want %d", ErrShare, len(share), ShareSize)
	}
	k, err := y.ECDH(point)
	if err != nil {
		return nil, fmt.Errorf("%w: point of low order", ErrShare)
	}
	return k, nil
}

// A side is what one side sent.
type side struct{ share, ad []byte }

// sessionKey hashes the Diffie-Hellman result and all that was sent, the
// initiator's part first: ISK of the draft, section 6.2.
func sessionKey(sid, k []byte, initiator, responder side) [KeySize]byte {
	b := appendFields(nil,
		[]byte(dsiISK), sid, k,
		initiator.share, initiator.ad,
		responder.share, responder.ad)
	defer clear(b)
	return sha512.Sum512(b)
}
