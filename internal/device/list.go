package device

import (
	"context"
	"errors"

	"github.com/sanix-darker/s2c/pulse"
	"github.com/sanix-darker/s2c/v4l2"
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

// Devices lists the cameras that V4L2 knows and the microphones and speakers of
// the sound server. What could not be listed is missing from the list, and the
// error says why; it joins several.
func Devices(ctx context.Context) (List, error) {
	var l List
	cameras, err := v4l2.List()
	if err != nil {
		err = &Error{"list cameras", Auto, err}
	}
	for i, c := range cameras {
		l.Cameras = append(l.Cameras, Listed{c.Path, describe(c), i == 0, c.ID})
	}
	mics, errMics := pulse.Mics(ctx)
	if errMics != nil {
		errMics = &Error{"list microphone", Auto, errMics}
	}
	l.Mics = listed(mics)
	speakers, errSpeakers := pulse.Speakers(ctx)
	if errSpeakers != nil {
		errSpeakers = &Error{"list speaker", Auto, errSpeakers}
	}
	l.Speakers = listed(speakers)
	return l, errors.Join(err, errMics, errSpeakers)
}

// describe returns what a camera is called and where it is plugged in, which
// tells two of a kind apart.
func describe(c v4l2.Info) string {
	if c.Bus == "" {
		return c.Name
	}
	return c.Name + " (" + c.Bus + ")"
}

func listed(from []pulse.Info) []Listed {
	var l []Listed
	for _, d := range from {
		l = append(l, Listed{Name: d.Name, Description: d.Description, Default: d.Default})
	}
	return l
}
