package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/term"

	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/internal/device"
	"github.com/sanix-darker/s2c/internal/media"
	s2cterm "github.com/sanix-darker/s2c/internal/term"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/trust"
)

const (
	// smallCols and smallRows are a terminal in which a face is hard to know.
	smallCols = 60
	smallRows = 18

	cameraTime = 5 * time.Second // for opening a camera and its pictures
	frames     = 10              // pictures that are looked at; the first ones are dark often
	darkLuma   = 12              // of 255, the mean of a picture in which nothing is to be seen

	udpTime = 3 * time.Second // for UDP to get through; it takes some round trips
	udpLook = 50 * time.Millisecond
)

// checkTerminal finds out what the terminal shows.
func (e Env) checkTerminal() []check {
	c := check{Name: "terminal"}
	cols, rows, err := terminalSize()
	if err != nil {
		c.State, c.Text = checkWarn, "there is none"
		c.Hint = "run it in a terminal to see the others, or join with --headless"
		return []check{c}
	}
	info := s2cterm.Ask(e.Getenv)
	name := info.Name
	if name == "" {
		name = "unknown"
	}
	if info.Version != "" {
		name += " " + info.Version
	}
	c.State = checkOK
	c.Text = fmt.Sprintf("%s, %dx%d cells, colours: %v, best look: %v", name, cols, rows, info.Colors, info.Best(cols, rows))
	c.Figures = map[string]float64{"cols": float64(cols), "rows": float64(rows)}
	switch {
	case cols < smallCols || rows < smallRows:
		c.State, c.Hint = checkWarn, fmt.Sprintf("make the window larger: faces need %dx%d cells", smallCols, smallRows)
	case !info.Blocks:
		c.State, c.Hint = checkWarn, "it shows letters only: use a UTF-8 locale and a terminal with block characters"
	}
	return []check{c}
}

// terminalSize returns the size of the terminal of this process in cells.
func terminalSize() (cols, rows int, err error) {
	t, err := openTerminal()
	if err != nil {
		return 0, 0, err
	}
	defer t.close()
	return term.GetSize(int(t.out.Fd()))
}

// checkIdentity reads what the person is known by and knows others by.
func (e Env) checkIdentity(_ context.Context, f doctorFlags) []check {
	c := check{Name: "key", State: checkOK}
	path, err := e.identityPath(&f.who)
	if err != nil {
		return []check{failed(c.Name, checkFail, err, "")}
	}
	id, err := trust.OpenIdentity(path, nil)
	switch {
	case err == nil:
		c.Text = id.Fingerprint().String()
	case errors.Is(err, trust.ErrNoIdentity) && f.who.file == "":
		c.Text = "none yet: the first call makes it"
	case errors.Is(err, identity.ErrLocked):
		c.Text = "protected by a passphrase"
	default:
		c = failed(c.Name, checkFail, err, "")
	}
	list := []check{c}
	if _, err := e.peers(); err != nil {
		list = append(list, failed("known people", checkFail, err, ""))
	}
	if _, err := e.knownHubs(); err != nil {
		list = append(list, failed("known hubs", checkFail, err, "see what is wrong with the file, or move it away"))
	}
	return list
}

// checkCamera opens the camera and looks at some pictures.
func (e Env) checkCamera(ctx context.Context, f doctorFlags) []check {
	const name = "camera"
	if f.cameraName == device.None {
		return []check{{Name: name, State: checkSkip, Text: "none is wanted"}}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, cameraTime, errSlow)
	defer cancel()
	begun := time.Now()
	const instead = "without one, the others see a card with your name"
	cam, err := device.OpenCamera(ctx, f.cameraName, device.VideoConfig{Chroma: true})
	if err != nil {
		return []check{failed(name, checkWarn, err, instead)}
	}
	defer cam.Close()
	defer context.AfterFunc(ctx, func() { cam.Close() })()
	var frame media.Frame
	var first, last time.Time
	for range frames {
		if err := cam.ReadFrame(&frame); err != nil {
			if ctx.Err() != nil {
				err = fmt.Errorf("camera %q gives no pictures", f.cameraName)
			}
			return []check{failed(name, checkWarn, err, instead)}
		}
		if last = time.Now(); first.IsZero() {
			first = last
		}
	}
	c := check{Name: name, State: checkOK}
	size, rate := frame.Bounds().Size(), (frames-1)/max(last.Sub(first).Seconds(), 0.001)
	luma := meanLuma(&frame)
	c.Text = fmt.Sprintf("%q, %dx%d pixels, %.0f a second, the first after %.1f s", f.cameraName, size.X, size.Y, rate, first.Sub(begun).Seconds())
	c.Figures = map[string]float64{"width": float64(size.X), "height": float64(size.Y), "fps": rate, "mean_luma": luma}
	if luma < darkLuma {
		c.State, c.Text, c.Hint = checkWarn, c.Text+"; they are black", "open the camera's lid, or switch on a light"
	}
	return []check{c}
}

// meanLuma returns how bright a picture is, 0 to 255.
func meanLuma(f *media.Frame) float64 {
	sum, size := 0, f.Bounds().Size()
	for y := range size.Y {
		for _, v := range f.Y[y*f.YStride:][:size.X] {
			sum += int(v)
		}
	}
	return float64(sum) / float64(max(1, size.X*size.Y))
}

// checkHub connects to the hub, if there is one to look at. Its key is compared
// with the one that is known, and not remembered.
func (e Env) checkHub(ctx context.Context, f doctorFlags) []check {
	if f.hub == "" {
		return nil
	}
	const name = "hub"
	known, err := e.knownHubs()
	if err != nil {
		return nil // the check of the files says so
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	proxy, err := e.proxy(f.hub)
	if err != nil {
		return []check{failed(name, checkFail, err, "")}
	}
	h := hubCheck{known: known, addr: f.hub, pin: f.pin}
	begun := time.Now()
	conn, err := transport.Dial(ctx, transport.DialConfig{Addr: f.hub, NoUDP: f.tcp, Proxy: proxy, Verify: h.verify})
	if err != nil {
		return []check{failed(name, checkFail, err, "")}
	}
	defer conn.Close()
	took := time.Since(begun)
	c := check{Name: name, State: checkOK, Figures: map[string]float64{"connect_ms": ms(took)}}
	c.Text = fmt.Sprintf("%s answers after %.0f ms, with the key that you know", f.hub, ms(took))
	if !h.seen {
		c.Text = fmt.Sprintf("%s answers after %.0f ms; its key is new to you: %s", f.hub, ms(took), h.key)
	}
	if proxy != nil {
		c.Text += "; through the proxy " + proxy.Host
		return []check{c, {Name: "UDP", State: checkSkip, Text: "a proxy stands between"}}
	}
	return []check{c, waitForUDP(ctx, conn, f)}
}

// waitForUDP looks whether datagrams get through.
func waitForUDP(ctx context.Context, conn transport.Conn, f doctorFlags) check {
	c := check{Name: "UDP"}
	if f.tcp {
		c.State, c.Text = checkSkip, "it is not wanted"
		return c
	}
	ctx, cancel := context.WithTimeout(ctx, udpTime)
	defer cancel()
	tick := time.NewTicker(udpLook)
	defer tick.Stop()
	for {
		if i := conn.Info(); i.Path == transport.PathUDP && i.RTT > 0 {
			c.State, c.Text = checkOK, fmt.Sprintf("gets through, round trip %.1f ms", ms(i.RTT))
			c.Figures = map[string]float64{"rtt_ms": ms(i.RTT)}
			return c
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			c.State, c.Text = checkWarn, "does not get through: sound and pictures go over TCP, and are late wherever something is lost"
			c.Hint = "let UDP pass to " + f.hub + " in the firewalls on the way"
			return c
		}
	}
}
