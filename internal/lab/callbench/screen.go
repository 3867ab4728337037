package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/hub"
	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/lab/screen"
	"github.com/sanix-darker/s2c/internal/transport"
)

// original is what each sender of the first s2c, in Python, takes with its
// pictures of 60x20 characters and its voice, in kB/s.
const original = 65.6

// A tap is a listener that remembers the connections of a hub.
type tap struct {
	transport.Listener

	mu    sync.Mutex
	conns []transport.Conn
}

// Accept implements transport.Listener.
func (t *tap) Accept() (transport.Conn, error) {
	c, err := t.Listener.Accept()
	if err == nil {
		t.mu.Lock()
		t.conns = append(t.conns, c)
		t.mu.Unlock()
	}
	return c, err
}

// bytes returns what came from each member and went to it.
func (t *tap) bytes() (up, down []uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.conns {
		i := c.Info()
		up, down = append(up, i.Received), append(down, i.Sent)
	}
	return up, down
}

// onScreens measures a call of members who each have a terminal, a clip of a
// person for a camera, and a voice.
func onScreens(ctx context.Context, o options, s2c *program.Program, dir string) (err error) {
	var cols, rows int
	if n, _ := fmt.Sscanf(o.screen, "%dx%d", &cols, &rows); n != 2 || cols <= 0 || rows <= 0 {
		return fmt.Errorf("size %q: want columns x rows, as in 120x40", o.screen)
	}
	camera := o.camera
	if camera == "test" {
		if camera, err = lab.WriteClip(ctx, dir, true); err != nil {
			return err
		}
	}
	key, err := transport.NewHubKey()
	if err != nil {
		return err
	}
	ln, err := transport.Listen(transport.ListenConfig{Addr: "127.0.0.1:0", Key: key, NoUDP: o.tcp})
	if err != nil {
		return err
	}
	t := &tap{Listener: ln}
	h := hub.New(hub.Config{})
	hubCtx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { _ = h.Serve(hubCtx, t) })
	var screens []*screen.Session
	defer func() {
		for _, s := range screens {
			err = errors.Join(err, s.Close())
		}
	}()
	for i := range o.members {
		env := []string{"S2C_CONFIG=" + filepath.Join(dir, fmt.Sprint("m", i)), "S2C_STATE=" + dir, "S2C_NO_SETUP=1"}
		s, err := screen.Start(ctx, cols, rows, env, s2c.Exe, "join", "-s", "bench", "-c", fmt.Sprint("member-", i),
			"--camera", camera, "--mic", o.mic, "--speaker", o.speaker, "--look", o.look, ln.Addr())
		if err != nil {
			return err
		}
		screens = append(screens, s)
		for start := time.Now(); h.Stats().Members <= i; {
			if time.Since(start) > 30*time.Second {
				return fmt.Errorf("member-%d does not come", i)
			}
			if err := sleep(ctx, 50*time.Millisecond); err != nil {
				return err
			}
		}
	}
	if err := sleep(ctx, 8*time.Second); err != nil {
		return err
	}
	up0, down0 := t.bytes()
	before, began := h.Stats(), time.Now()
	if err := sleep(ctx, o.length); err != nil {
		return err
	}
	up1, down1 := t.bytes()
	after, took := h.Stats(), time.Since(began).Seconds()
	if o.shots != "" {
		if err := shoot(screens[0], o.shots); err != nil {
			return err
		}
	}
	up, down := perSecond(up0, up1, took), perSecond(down0, down1, took)
	packets := float64(after.Packets-before.Packets) / took / float64(o.members)
	fmt.Printf("%d members, each in %dx%d cells, look %s, %.0f s\n\n", o.members, cols, rows, o.look, took)
	fmt.Printf("up   kB/s of each: %.1f\ndown kB/s of each: %.1f\n", up, down)
	fmt.Printf("packets a second up: %.0f, which with 28 bytes of IP and UDP each are %.1f kB/s more\n", packets, packets*28/1000)
	mean := mean(up)
	fmt.Printf("up %.1f kB/s, voice included: %.1f times less than the %.1f of the original; with all heads %.1f kB/s, %.1f times\n",
		mean, original/mean, original, mean+packets*28/1000, original/(mean+packets*28/1000))
	return nil
}

// perSecond returns kB/s.
func perSecond(from, to []uint64, seconds float64) (rates []float64) {
	for i := range to {
		rates = append(rates, float64(to[i]-from[i])/1000/seconds)
	}
	return rates
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// shoot saves what a terminal shows as a picture.
func shoot(s *screen.Session, file string) error {
	g, err := s.Capture()
	if err != nil {
		return err
	}
	return g.Save(file)
}
