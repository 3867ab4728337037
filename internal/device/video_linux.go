package device

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/v4l2"
)

// permissionHint is for a camera that this user may not open.
const permissionHint = "add yourself to the group video: sudo usermod -aG video $USER, then log in again"

// openSystemCamera opens a camera of this machine by its name, or the first
// that works. Opening a camera takes milliseconds; ctx is not asked again.
func openSystemCamera(_ context.Context, name string, c VideoConfig) (media.VideoSource, error) {
	cameras, err := v4l2.List()
	if err != nil {
		return nil, err
	}
	if name == Auto {
		return openFirst(cameras, "/dev/video*", c)
	}
	return openNamed(cameras, name, c)
}

// openFirst opens the first camera that works. If none does it returns why the
// first does not; if there is none, what is wrong with the files of pattern.
func openFirst(cameras []v4l2.Info, pattern string, c VideoConfig) (media.VideoSource, error) {
	var first error
	for _, info := range cameras {
		src, err := openV4L2(info.Path, c)
		if err == nil {
			return src, nil
		}
		first = cmp.Or(first, err)
	}
	if first != nil {
		return nil, first
	}
	// Not listed because they cannot be opened: that is another fault than
	// having no camera.
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		src, err := openV4L2(path, c)
		switch {
		case err == nil: // plugged in just now
			return src, nil
		case errors.Is(err, fs.ErrPermission):
			return nil, err
		}
	}
	return nil, ErrNoDevice
}

// openNamed opens the first camera that has name in its own, whatever the case.
func openNamed(cameras []v4l2.Info, name string, c VideoConfig) (media.VideoSource, error) {
	for _, info := range cameras {
		if strings.Contains(strings.ToLower(info.Name), strings.ToLower(name)) {
			return openV4L2(info.Path, c)
		}
	}
	return nil, ErrNotFound
}
