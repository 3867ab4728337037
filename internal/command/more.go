package command

import (
	"errors"
	"fmt"
	"strings"
)

// errCannot says that an engine lacks what a word needs, as a call that is only
// simulated does.
var errCannot = errors.New("this call cannot do that")

// setDeafened plays nothing of the others, or plays them again.
func setDeafened(e Engine, deafened bool) error {
	d, ok := e.(interface{ SetDeafened(deafened bool) })
	if !ok {
		return errCannot
	}
	d.SetDeafened(deafened)
	return nil
}

func setHand(e Engine, how string) error {
	if how != "up" && how != "down" {
		return fmt.Errorf("%q is neither up nor down", how)
	}
	h, ok := e.(interface{ SetHand(up bool) })
	if !ok {
		return errCannot
	}
	h.SetHand(how == "up")
	return nil
}

func react(e Engine, text string) error {
	r, ok := e.(interface{ React(text string) error })
	if !ok {
		return errCannot
	}
	return r.React(text)
}

// setSilenced has a member not heard here, or heard again.
func setSilenced(e Engine, who string, silenced bool) error {
	m, ok := e.(interface {
		SetMemberMuted(slot uint16, muted bool) bool
	})
	if !ok {
		return errCannot
	}
	return toMember(e, who, func(slot uint16) bool { return m.SetMemberMuted(slot, silenced) })
}

// useDevice takes another camera, microphone or speaker.
func useDevice(e Engine, how string) error {
	kind, name, _ := strings.Cut(how, " ")
	name = strings.TrimSpace(name)
	if kind != "camera" && kind != "microphone" && kind != "speaker" {
		return fmt.Errorf("%q is neither camera nor microphone nor speaker", kind)
	}
	if name == "" {
		return fmt.Errorf("which %s? s2c devices lists them", kind)
	}
	u, ok := e.(interface{ UseDevice(kind, name string) error })
	if !ok {
		return errCannot
	}
	return u.UseDevice(kind, name)
}
