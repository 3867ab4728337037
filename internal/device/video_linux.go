package device

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/v4l2"
)

// permissionHint is for a camera that this user may not open.
const permissionHint = "add yourself to the group video: sudo usermod -aG video $USER, then log in again"

// nodes are the files that cameras may be at.
const nodes = "/dev/video*"

// openSystem opens a camera of this machine by its name or number, or the first
// that works.
func (o *Opener) openSystem(ctx context.Context) (media.VideoSource, error) {
	if n, err := strconv.ParseUint(o.name, 10, 16); err == nil {
		return o.openNode(ctx, "/dev/video"+strconv.FormatUint(n, 10))
	}
	cameras, err := o.list()
	if err != nil {
		return nil, err
	}
	if o.name == Auto {
		if len(cameras) == 0 {
			return nil, whyNone(nodes)
		}
		return o.openFirst(ctx, o.lastFirst(cameras))
	}
	cameras = named(cameras, o.name)
	if len(cameras) == 0 {
		return nil, ErrNotFound
	}
	return o.openFirst(ctx, o.lastFirst(cameras))
}

// openNode opens the camera at path, or the one that was there when it was
// opened last, should the system have moved it.
func (o *Opener) openNode(ctx context.Context, path string) (media.VideoSource, error) {
	here := []v4l2.Info{{Path: path}}
	// A missing list is no reason not to open what has been named.
	if cameras, err := o.list(); err == nil {
		real := path
		if r, err := filepath.EvalSymlinks(path); err == nil {
			real = r
		}
		for _, info := range cameras {
			if info.Path == real {
				here[0] = info
				here[0].Path = path // for errors: as it was typed
			}
		}
		if moved, ok := again(cameras, o.remembered()); ok && moved.Path != real {
			here = []v4l2.Info{moved, here[0]}
		}
	}
	return o.openFirst(ctx, here)
}

// openFirst opens the first of cameras that works, and says of those before it
// that they were left out. If none does it returns why the first does not.
func (o *Opener) openFirst(ctx context.Context, cameras []v4l2.Info) (media.VideoSource, error) {
	var errs []error
	for i, info := range cameras {
		if err := context.Cause(ctx); err != nil && i > 0 {
			break // the caller has waited long enough for those that do not work
		}
		src, err := openV4L2(info.Path, o.c)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for k, err := range errs {
			o.c.log().Warn("camera left out", "camera", cameras[k].Path, "name", cameras[k].Name, "err", err)
		}
		w, h, format := src.Size()
		rate, _ := src.Rate()
		o.c.log().Info("camera opened", "camera", info.Path, "name", info.Name,
			"width", w, "height", h, "format", format, "rate", rate)
		o.remember(info)
		return src, nil
	}
	return nil, errs[0]
}

func (o *Opener) remember(info v4l2.Info) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = info
}

func (o *Opener) remembered() v4l2.Info {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last
}

// lastFirst returns cameras with the one opened last before the others.
func (o *Opener) lastFirst(cameras []v4l2.Info) []v4l2.Info {
	last, ok := again(cameras, o.remembered())
	if !ok {
		return cameras
	}
	others := slices.DeleteFunc(slices.Clone(cameras), func(c v4l2.Info) bool { return c == last })
	return append([]v4l2.Info{last}, others...)
}

// again finds a camera of before among those that there are now. It must have
// the same name, and no other stable name; of several that do the best is the
// one with the same stable name, then the one that is plugged in at the same
// place. If neither tells, there must be no doubt.
func again(cameras []v4l2.Info, last v4l2.Info) (found v4l2.Info, ok bool) {
	if last.Name == "" {
		return v4l2.Info{}, false // none before, or one that could not be listed
	}
	best, equal := -1, 0
	for _, c := range cameras {
		if c.Name != last.Name || c.ID != last.ID && c.ID != "" && last.ID != "" {
			continue
		}
		score := 0
		if c.ID != "" && c.ID == last.ID {
			score += 2
		}
		if c.Bus == last.Bus {
			score++
		}
		switch {
		case score > best:
			found, best, equal = c, score, 1
		case score == best:
			equal++
		}
	}
	return found, equal == 1
}

// named returns the cameras that have name in their own name, in their stable
// one or in that of their place, whatever the case.
func named(cameras []v4l2.Info, name string) []v4l2.Info {
	name = strings.ToLower(name)
	var found []v4l2.Info
	for _, c := range cameras {
		if strings.Contains(strings.ToLower(c.Name+"\n"+c.ID+"\n"+c.Bus), name) {
			found = append(found, c)
		}
	}
	return found
}

// whyNone returns why no camera is listed: because there is none, or because
// those at pattern may not be opened, which is another fault.
func whyNone(pattern string) error {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	for _, path := range paths {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if errors.Is(err, fs.ErrPermission) {
			return err
		}
		if err == nil { // plugged in just now, or no camera
			_ = f.Close()
		}
	}
	return ErrNoDevice
}

// rateCheck is how many pictures a camera may take to reach its rate: the first
// ones come while it finds the exposure.
const rateCheck = 90

// A v4l2Source is a camera of Linux.
type v4l2Source struct {
	*v4l2.Camera
	path string
	c    VideoConfig

	// Owned by the reader.
	read int // pictures, up to rateCheck
}

func openV4L2(path string, c VideoConfig) (*v4l2Source, error) {
	camera, err := v4l2.Open(path, v4l2.Config{Width: c.Width, Height: c.Height, FPS: c.FPS, Chroma: c.Chroma})
	if err != nil {
		return nil, err
	}
	return &v4l2Source{Camera: camera, path: path, c: c}, nil
}

// ReadFrame waits for a picture newer than the last.
func (s *v4l2Source) ReadFrame(f *media.Frame) (err error) {
	if f.At, err = s.Read(&f.YCbCr); err != nil {
		return err
	}
	if s.read++; s.read == rateCheck {
		s.checkRate()
	}
	return nil
}

// checkRate says so if the camera gives far fewer pictures than it has agreed
// to and than are wanted.
func (s *v4l2Source) checkRate() {
	agreed, measured := s.Rate()
	if measured > 0 && measured < 0.8*min(agreed, float64(s.c.FPS)) {
		s.c.log().Warn("camera is slower than it says", "camera", s.path, "says", agreed, "gives", measured)
	}
}
