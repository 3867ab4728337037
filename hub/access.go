package hub

import (
	"errors"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/wire"
)

// SetAllow replaces the list of who may join; nil means everybody. Those who
// have joined stay. It may be called at any time by any goroutine.
func (h *Hub) SetAllow(a *hello.AllowList) { h.allow.Store(a) }

// admit checks a request to join over the connection whose TLS exporter is
// bind, and whether its sender may come in.
//
// What costs little comes first, so that junk costs little: the signature takes
// most of the time of all. The list comes last, so that nobody who has no key
// can try out whose keys are on it.
func (h *Hub) admit(j wire.Join, bind [32]byte) (hello.Verified, *wire.Error) {
	var v hello.Verified
	claimed, err := hello.Parse(j.Hello)
	if err == nil {
		err = claimed.Check(bind)
	}
	if err != nil {
		return v, refuseHello(err)
	}
	if e := h.checkDoor(j.Door, bind); e != nil {
		return v, e
	}
	if v, err = hello.Verify(j.Hello, j.Cert); err != nil {
		return v, refuseHello(err)
	}
	return v, h.checkList(v.Hello())
}

// refuseHello says what is wrong with a Hello or its certificate.
func refuseHello(err error) *wire.Error {
	if errors.Is(err, hello.ErrVersion) {
		return refuse(wire.CodeVersion, "%v; use the version that this hub runs", err)
	}
	return refuse(wire.CodeProtocol, "%v", err)
}

// checkDoor refuses who does not know the door token, if the hub has one.
func (h *Hub) checkDoor(proof []byte, bind [32]byte) *wire.Error {
	switch t := h.config.Door; {
	case t == nil:
		return nil
	case len(proof) == 0:
		return refuse(wire.CodeDenied, "this hub asks for its door token and none was given")
	case !t.CheckDoor(proof, bind): // in constant time
		return refuse(wire.CodeDenied, "wrong door token")
	}
	return nil
}

// checkList refuses who is not on the list, if the hub has one.
func (h *Hub) checkList(v *hello.Hello) *wire.Error {
	if a := h.allow.Load(); a == nil || a.Allows(v.Fingerprint, v.Session) {
		return nil
	}
	h.config.Log.Debug("key is not on the list", "key", v.Fingerprint, "session", v.Session)
	return refuse(wire.CodeDenied, "your key is not on this hub's list, or not for this session")
}
