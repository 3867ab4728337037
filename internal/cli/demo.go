package cli

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"sync"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/hub"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/device"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/transport"
)

// demoNames are the synthetic members of a demo, if there are as many.
var demoNames = [...]string{
	"anna", "bo", "carol", "dave", "eve", "frank", "grace", "heidi", "ivan", "judy", "karl", "lena", "mo", "nora", "otto", "pia",
}

// demoSession is the session that a demo takes place in.
const demoSession = "demo"

func (e Env) demo() *cobra.Command {
	var d deviceFlags
	var s screenFlags
	members := 3
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "a call with synthetic members, to see everything alone",
		Long: `A whole call inside this process: a hub, synthetic members who move and speak in
turn, and you. It needs no camera, no sound and no network; those that
this machine has are used.`,
		Example: `  s2c demo
  s2c demo --members 8
  s2c demo --look ascii --speaker none`,
		Args: atMost(0, "s2c demo takes no address; see s2c join -h"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := e.flagsFromEnvironment(cmd); err != nil {
				return err
			}
			if members < 0 || members > len(demoNames) {
				return &usageError{fmt.Errorf("%d members: want 0 to %d", members, len(demoNames)), "s2c demo --members 3"}
			}
			if err := s.check(); err != nil {
				return err
			}
			e.choosePlain(&s, &d, cmd)
			return e.runDemo(cmd.Context(), members, d, s)
		},
	}
	cmd.Flags().IntVar(&members, "members", members, "how many others there are")
	d.add(cmd)
	s.add(cmd)
	return cmd
}

func (e Env) runDemo(ctx context.Context, members int, d deviceFlags, s screenFlags) error {
	net := simnet.New(1)
	ln, err := net.Listen("demo")
	if err != nil {
		return err
	}
	dial := func(ctx context.Context) (transport.Conn, error) {
		return net.Dial(ctx, "demo", simnet.Link{}, simnet.Link{})
	}
	// The others outlive ctx: they end after the person has left.
	others, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { _ = hub.New(hub.Config{}).Serve(others, ln) })
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	wg.Go(func() {
		if err := inhabit(others, members, &wg, dial); err != nil && others.Err() == nil {
			fail(err)
		}
	})
	s.noSetup = true
	s.noCtl = true // it shall not be in the way of a real call
	you, err := throwaway()
	if err != nil {
		return err
	}
	if d.cameraName == device.Auto && !works(ctx, func(ctx context.Context) (media.VideoSource, error) {
		return device.OpenCamera(ctx, device.Auto, device.VideoConfig{Chroma: true})
	}) {
		d.cameraName = device.Test
	}
	if d.micName == device.Auto && !works(ctx, func(ctx context.Context) (media.AudioSource, error) {
		return device.OpenMic(ctx, device.Auto)
	}) {
		d.micName = device.None
	}
	if d.speakerName == device.Auto && !works(ctx, func(ctx context.Context) (media.AudioSink, error) {
		return device.OpenSpeaker(ctx, device.Auto)
	}) {
		d.speakerName = device.None
	}
	return e.takePart(ctx, call.Config{Dial: dial, Session: demoSession, Name: "you", Identity: you}, d, s, "")
}

// inhabit has the synthetic members join one after the other, each as soon as
// their key is made, and starts their calls in wg.
func inhabit(ctx context.Context, members int, wg *sync.WaitGroup, dial func(context.Context) (transport.Conn, error)) error {
	turns := new(floor)
	for i, name := range demoNames[:members] {
		id, err := throwaway()
		if err != nil {
			return err
		}
		c, err := call.New(call.Config{
			Dial: dial, Session: demoSession, Name: name, Identity: id,
			Camera: func(ctx context.Context) (media.VideoSource, error) {
				return device.OpenCamera(ctx, fmt.Sprintf("%s:%d", device.Test, i+1), device.VideoConfig{Chroma: true})
			},
			Mic: func(ctx context.Context) (media.AudioSource, error) {
				mic, err := device.OpenMic(ctx, fmt.Sprintf("%s:%d", device.Test, i+1))
				if err != nil {
					return nil, err
				}
				return &turnMic{AudioSource: mic, floor: turns, who: i + 1}, nil
			},
			Speaker: func(ctx context.Context) (media.AudioSink, error) { return device.OpenSpeaker(ctx, device.Test) },
		})
		if err != nil {
			return err
		}
		if err := c.Join(ctx); err != nil {
			return err
		}
		wg.Go(func() { _ = c.Run(ctx) })
	}
	return nil
}

// throwaway makes an identity that never leaves this process: of 2,048 bits,
// which are made in a quarter of the time of one's own.
func throwaway() (*identity.Identity, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make a throw-away key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make a throw-away key: %w", err)
	}
	return identity.Parse(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil)
}

// works reports whether a device can be opened.
func works[S interface{ Close() error }](ctx context.Context, open func(context.Context) (S, error)) bool {
	s, err := open(ctx)
	if err != nil {
		return false
	}
	s.Close()
	return true
}
