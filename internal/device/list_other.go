//go:build !windows

package device

import (
	"context"

	"github.com/sanix-darker/s2c/pulse"
	"github.com/sanix-darker/s2c/v4l2"
)

// listCameras lists the cameras that V4L2 knows.
func listCameras(context.Context) (l []Listed, err error) {
	cameras, err := v4l2.List()
	for i, c := range cameras {
		l = append(l, Listed{c.Path, describe(c), i == 0, c.ID})
	}
	return l, err
}

// describe returns what a camera is called and where it is plugged in, which
// tells two of a kind apart.
func describe(c v4l2.Info) string {
	if c.Bus == "" {
		return c.Name
	}
	return c.Name + " (" + c.Bus + ")"
}

// listMics lists the microphones of the sound server.
func listMics(ctx context.Context) ([]Listed, error) {
	mics, err := pulse.Mics(ctx)
	return listed(mics), err
}

// listSpeakers lists the speakers of the sound server.
func listSpeakers(ctx context.Context) ([]Listed, error) {
	speakers, err := pulse.Speakers(ctx)
	return listed(speakers), err
}

func listed(from []pulse.Info) []Listed {
	var l []Listed
	for _, d := range from {
		l = append(l, Listed{Name: d.Name, Description: d.Description, Default: d.Default})
	}
	return l
}
