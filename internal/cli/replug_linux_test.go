package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/hub"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/device"
	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/cam"
	"github.com/sanix-darker/s2c/internal/lab/person"
	"github.com/sanix-darker/s2c/internal/lab/sound"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/transport"
)

// inACall runs a call with the devices of f until the test ends.
func inACall(t *testing.T, f deviceFlags) *call.Call {
	t.Helper()
	net := simnet.New(1)
	ln, err := net.Listen("hub")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	wg.Go(func() { _ = hub.New(hub.Config{}).Serve(ctx, ln) })
	d, err := f.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	cfg := call.Config{
		Dial: func(ctx context.Context) (transport.Conn, error) {
			return net.Dial(ctx, "hub", simnet.Link{}, simnet.Link{})
		},
		Session: "room", Name: "ann", Identity: person.Identity(t, 0),
	}
	d.fit(&cfg, &f)
	c, err := call.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Join(ctx); err != nil {
		t.Fatal(err)
	}
	wg.Go(func() { _ = c.Run(ctx) })
	return c
}

// waitUntil waits until what holds.
func waitUntil(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not after 15 s", what)
		}
	}
}

// waitNotice waits for what the person is told of a device.
func waitNotice(t *testing.T, c *call.Call, kind call.NoticeKind, what string) {
	t.Helper()
	within := time.After(15 * time.Second)
	for {
		select {
		case n := <-c.Notices():
			if n.Kind == kind && n.Device == what {
				return
			}
		case <-within:
			t.Fatalf("the person is not told %v %s", kind, what)
		}
	}
}

// TestReplugSound pulls the microphone and the speaker of a call out and puts them in
// again, and changes to others and back, on each kind of sound server.
func TestReplugSound(t *testing.T) {
	for _, kind := range sound.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			server := sound.ForTest(t, kind)
			t.Setenv("PULSE_SERVER", server.Address())
			if err := errors.Join(server.AddMic("usb"), server.AddSpeaker("box")); err != nil {
				t.Fatal(err)
			}
			c := inACall(t, deviceFlags{cameraName: device.None, micName: "usb", speakerName: "box"})
			uses := func(from sound.Direction, name string) func() bool {
				return func() bool {
					list, err := server.Streams(from)
					return err == nil && slices.ContainsFunc(list, func(s sound.Stream) bool { return s.Device == name })
				}
			}
			for _, x := range []struct {
				what, name, other string
				from              sound.Direction
				out               func(string) error
				in                func(string) error
			}{
				{aMicrophone, "usb", sound.Mic, sound.FromMics, server.UnloadSource, server.AddMic},
				{aSpeaker, "box", sound.Speaker, sound.ToSpeakers, server.Unload, server.AddSpeaker},
			} {
				waitUntil(t, "the "+x.what+" is used", uses(x.from, x.name))
				if err := x.out(x.name); err != nil {
					t.Fatal(err)
				}
				waitNotice(t, c, call.DeviceLost, x.what)
				if err := x.in(x.name); err != nil {
					t.Fatal(err)
				}
				waitNotice(t, c, call.DeviceBack, x.what)
				waitUntil(t, "the "+x.what+" is used again", uses(x.from, x.name))
				for _, name := range []string{x.other, x.name} {
					if err := c.UseDevice(x.what, name); err != nil {
						t.Fatal(err)
					}
					waitNotice(t, c, call.DeviceChanged, x.what)
					waitUntil(t, fmt.Sprintf("the %s %s is used", x.what, name), uses(x.from, name))
				}
				if err := c.UseDevice(x.what, "webcam"); err != nil {
					t.Fatal(err)
				}
				waitNotice(t, c, call.DeviceLost, x.what)
				waitNotice(t, c, call.DeviceBack, x.what)
				waitUntil(t, "the "+x.what+" is used still", uses(x.from, x.name))
			}
		})
	}
}

// TestReplugCamera does the same with cameras.
func TestReplugCamera(t *testing.T) {
	one, err := cam.Start(cam.Config{})
	lab.Need(t, err)
	defer one.Close()
	two, err := cam.Start(cam.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	c := inACall(t, deviceFlags{cameraName: one.Path(), micName: device.None, speakerName: device.None})
	c.WatchSelf(call.View{Width: 32, Height: 24, FPS: 30})
	seen := func() bool { return c.SelfPicture() != nil }
	waitUntil(t, "the camera is seen", seen)
	if err := one.Unplug(); err != nil {
		t.Fatal(err)
	}
	waitNotice(t, c, call.DeviceLost, aCamera)
	if err := one.Plug(); err != nil {
		t.Fatal(err)
	}
	waitNotice(t, c, call.DeviceBack, aCamera)
	waitUntil(t, "the camera is seen again", seen)
	for _, camera := range []*cam.Camera{two, one, one} { // the last is busy until it is let go
		if err := c.UseDevice(aCamera, camera.Path()); err != nil {
			t.Fatal(err)
		}
		waitNotice(t, c, call.DeviceChanged, aCamera)
		before := camera.Stats()
		waitUntil(t, "the other camera gives pictures", func() bool { return camera.Stats() != before })
	}
	if err := c.UseDevice(aCamera, "/dev/video999"); err != nil {
		t.Fatal(err)
	}
	waitNotice(t, c, call.DeviceLost, aCamera)
	waitNotice(t, c, call.DeviceBack, aCamera)
	waitUntil(t, "the camera of before is seen", seen)
}
