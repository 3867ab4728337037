package device

import (
	"context"
	"errors"
)

// A Listed names a device as --camera, --mic and --speaker take it.
type Listed struct {
	Name        string `json:"name"`
	Description string `json:"description"` // for people
	Default     bool   `json:"default"`     // what "auto" takes

	// Stable is a name that a camera keeps wherever it is plugged in, and that
	// --camera takes too; "" if it has none.
	Stable string `json:"stable,omitempty"`
}

// A List is what a machine has.
type List struct {
	Cameras  []Listed `json:"cameras"`
	Mics     []Listed `json:"microphones"`
	Speakers []Listed `json:"speakers"`
}

// Devices lists the cameras, microphones and speakers of this machine. What could
// not be listed is missing from the list, and the error says why; it joins several.
func Devices(ctx context.Context) (List, error) {
	var l List
	var cameras, mics, speakers error
	l.Cameras, cameras = listCameras(ctx)
	l.Mics, mics = listMics(ctx)
	l.Speakers, speakers = listSpeakers(ctx)
	return l, errors.Join(notListed("cameras", cameras), notListed("microphone", mics), notListed("speaker", speakers))
}

// notListed says what could not be listed, if err says that something could not.
func notListed(what string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{"list " + what, Auto, err}
}
