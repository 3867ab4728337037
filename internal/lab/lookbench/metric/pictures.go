package metric

import (
	"embed"
	"fmt"
	"image"
	"image/jpeg"
	"path"
)

// pictures are what looks are measured with; pictures/README.md says whose
// they are.
//
//go:embed pictures/*.jpg
var pictures embed.FS

// The pictures that LoadPicture knows.
var (
	Pictures = []string{"face", "bust", "camera", "cat"} // that parameters were chosen with
	HeldOut  = []string{"coffee", "rocket", "coins"}     // that they were not
)

// LoadPicture returns the picture of a name: 640x480 pixels, gray.
func LoadPicture(name string) (*image.Gray, error) {
	f, err := pictures.Open(path.Join("pictures", name+".jpg"))
	if err != nil {
		return nil, fmt.Errorf("load picture %q: %w", name, err)
	}
	defer f.Close()
	m, err := jpeg.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("load picture %q: %w", name, err)
	}
	if c, ok := m.(*image.YCbCr); ok {
		return &image.Gray{Pix: c.Y, Stride: c.YStride, Rect: c.Rect}, nil
	}
	g, ok := m.(*image.Gray)
	if !ok {
		return nil, fmt.Errorf("load picture %q: want gray, not %T", name, m)
	}
	return g, nil
}
