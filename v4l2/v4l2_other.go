//go:build !linux

package v4l2

import (
	"image"
	"time"
)

type camera struct{}

func list() ([]Info, error)                              { return nil, ErrUnsupported }
func open(string, Config) (*Camera, error)               { return nil, ErrUnsupported }
func (*camera) size() (w, h int, format string)          { return 0, 0, "" }
func (*camera) rate() (agreed, measured float64)         { return 0, 0 }
func (*camera) read(*image.YCbCr) (t time.Time, _ error) { return t, ErrUnsupported }
func (*camera) close() error                             { return nil }
