package cli

import (
	"errors"
	"testing"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/device"
	"github.com/sanix-darker/s2c/internal/media"
)

// TestChoose chooses devices as a call does: others, none, one that is missing, and
// takes it back.
func TestChoose(t *testing.T) {
	f := deviceFlags{cameraName: device.None, micName: device.Test, speakerName: device.None}
	d, err := f.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	open := map[string]func() error{
		aCamera: func() error {
			s, err := d.camera(t.Context())
			if err == nil {
				s.Close()
			}
			return err
		},
		aMicrophone: func() error {
			s, err := d.mic(t.Context())
			if err == nil {
				s.Close()
			}
			return err
		},
		aSpeaker: func() error {
			s, err := d.speaker(t.Context())
			if err == nil {
				s.Close()
			}
			return err
		},
	}
	for _, kind := range []string{aCamera, aMicrophone, aSpeaker} {
		_ = open[kind]() // the one that was opened at first
		undo, err := d.choose(t.Context(), kind, device.None)
		if err != nil {
			t.Fatal(err)
		}
		if err := open[kind](); !errors.Is(err, call.ErrNone) {
			t.Errorf("%s: none opens with %v", kind, err)
		}
		undo()
		if _, err := d.choose(t.Context(), kind, device.Test); err != nil {
			t.Fatal(err)
		}
		if err := open[kind](); err != nil {
			t.Errorf("%s: test opens with %v", kind, err)
		}
		undo, err = d.choose(t.Context(), kind, "no/such.wav")
		if err == nil { // it turns out when it is opened
			if err = open[kind](); err == nil {
				t.Errorf("%s: what is missing opens", kind)
			}
			undo()
		}
		if err := open[kind](); err != nil {
			t.Errorf("%s: after a device that is missing, the one of before opens with %v", kind, err)
		}
	}
	var c media.Chunk
	m, err := d.mic(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.ReadChunk(&c), m.Close()); err != nil {
		t.Error(err)
	}
}
