package main

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/cam"
	"github.com/sanix-darker/s2c/internal/video"
	"github.com/sanix-darker/s2c/v4l2"
)

// The pictures that the virtual camera takes.
const (
	cameraWidth  = 640
	cameraHeight = 480
)

// filmAll plays every film to a virtual camera and keeps what is read from it,
// n pictures in every size.
func (l *bench) filmAll(films []string, sizes [][2]int, n int) error {
	l.filmed = make(map[string]map[[2]int]*clip)
	for _, film := range films {
		clips := make(map[[2]int]*clip)
		for _, size := range sizes {
			clips[size] = &clip{name: nameOf(film), w: size[0], h: size[1], fps: l.fps}
		}
		if err := l.film(film, clips, n); err != nil {
			return fmt.Errorf("camera that sees %q: %w", film, err)
		}
		l.filmed[film] = clips
	}
	fmt.Println()
	return nil
}

// film plays a film to a camera and appends n of its pictures to each of clips.
func (l *bench) film(film string, clips map[[2]int]*clip, n int) error {
	source, err := l.prepare(film, n)
	if err != nil {
		return err
	}
	camera, err := cam.Start(cam.Config{Source: source, Formats: []cam.Format{cam.YUYV}, Rates: []int{l.fps}})
	if err != nil {
		return err
	}
	defer camera.Close()
	reader, err := v4l2.Open(camera.Path(), v4l2.Config{Width: cameraWidth, Height: cameraHeight, FPS: l.fps, Chroma: true})
	if err != nil {
		return err
	}
	defer reader.Close()
	var (
		seen  image.YCbCr
		taken []time.Time
	)
	for range n {
		at, err := reader.Read(&seen)
		if err != nil {
			return err
		}
		if l.ctx.Err() != nil {
			return l.ctx.Err()
		}
		taken = append(taken, at)
		for _, c := range clips {
			p := image.NewYCbCr(image.Rect(0, 0, c.w, c.h), image.YCbCrSubsampleRatio420)
			video.ScaleColour(p, &seen)
			c.pictures = append(c.pictures, p)
		}
	}
	w, h, format := reader.Size()
	fmt.Printf("camera: %s at %dx%d %s: %s; it gave %d pictures and lost %d for want of a buffer\n",
		nameOf(film), w, h, format, pace(taken), camera.Stats().Frames, camera.Stats().Starved)
	return nil
}

// prepare returns the film as what a camera sees: to and fro, so that nothing
// jumps, as many pictures as n need.
func (l *bench) prepare(film string, n int) (*cam.Clip, error) {
	path := filepath.Join(l.dir, "film.y4m")
	filter := fmt.Sprintf("trim=end_frame=%d,scale=%d:%d:out_range=pc,format=yuv420p,split[a][b];[b]reverse[c];[a][c]concat",
		(n*fullRate/l.fps+1)/2, cameraWidth, cameraHeight)
	if _, err := l.ffmpeg(nil, "-r", fmt.Sprint(fullRate), "-i", film, "-filter_complex", filter,
		"-f", "yuv4mpegpipe", "-strict", "-1", path); err != nil {
		return nil, err
	}
	defer os.Remove(path)
	return cam.LoadClip(path)
}

// pace says in how much time pictures were taken, and how far apart.
func pace(taken []time.Time) string {
	if len(taken) < 2 {
		return "one picture"
	}
	var gaps []time.Duration
	for i, at := range taken[1:] {
		gaps = append(gaps, at.Sub(taken[i]))
	}
	slices.Sort(gaps)
	return fmt.Sprintf("%d pictures in %.2f s, %d to %d ms apart, %d ms in the middle", len(taken),
		taken[len(taken)-1].Sub(taken[0]).Seconds(), gaps[0].Milliseconds(), gaps[len(gaps)-1].Milliseconds(), gaps[len(gaps)/2].Milliseconds())
}
