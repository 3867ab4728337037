package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
)

// alpn is the protocol that both ends ask TLS for. What does not speak it is
// no hub and no member.
const alpn = "s2c/1"

// ErrNotHub is what Dial's error wraps when something answers that is not a
// hub of s2c: it speaks no TLS 1.3, or another protocol over it.
var ErrNotHub = errors.New("not an s2c hub")

// hubTLS returns the hub's configuration. Without tickets there is no
// resumption and no data before the handshake is done.
func hubTLS(key *HubKey) *tls.Config {
	return &tls.Config{
		Certificates:           []tls.Certificate{key.cert},
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{alpn},
		SessionTicketsDisabled: true,
	}
}

// memberTLS returns a member's configuration. verify decides about the hub's
// fingerprint; no name and no authority is asked, and no server name is sent.
func memberTLS(verify func(fingerprint string) error) *tls.Config {
	return &tls.Config{
		InsecureSkipVerify:     true, // VerifyConnection checks the pin instead
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{alpn},
		SessionTicketsDisabled: true,
		VerifyConnection: func(cs tls.ConnectionState) error {
			if cs.NegotiatedProtocol != alpn {
				return errALPN
			}
			return verify(fingerprint(cs.PeerCertificates[0]))
		},
	}
}

// errALPN is what a handshake without our protocol ends with.
var errALPN = errors.New("the other end does not speak " + alpn)

// handshakeError makes an error of a member's handshake one of the kinds that
// Dial documents.
func handshakeError(err error) error {
	if header, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fmt.Errorf("%w: it does not speak TLS; it begins with %q", ErrNotHub, header.RecordHeader[:])
	}
	op, isOp := errors.AsType[*net.OpError](err)
	alert := isOp && (op.Op == "remote error" || op.Op == "local error") // as crypto/tls calls them
	switch {
	case isOp && !alert:
		return err // timeout, reset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		// A hub with too many connections, or one that is closing, does that.
		return &net.OpError{Op: "handshake", Net: "tcp", Err: err}
	default:
		// Not wrapped: an alert is a net.OpError, too, but the network is fine.
		return fmt.Errorf("%w: %v", ErrNotHub, err) //nolint:errorlint // see above
	}
}
