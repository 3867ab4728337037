package v4l2

import (
	"cmp"
	"path/filepath"
	"slices"

	"github.com/blackjack/webcam"
)

func list() ([]Info, error) { return listGlob("/dev/video*", "/dev/v4l/by-id") }

// listGlob lists the cameras among the files that match pattern. byID is the
// folder with their stable names.
func listGlob(pattern, byID string) ([]Info, error) {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	ids := stableNames(byID)
	// video2 before video10
	slices.SortFunc(paths, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	var infos []Info
	for _, path := range paths {
		if info, err := probe(path); err == nil {
			if real, err := filepath.EvalSymlinks(path); err == nil {
				info.ID = ids[real]
			}
			infos = append(infos, info)
		}
	}
	return infos, nil
}

// stableNames returns the names of the links in folder, by what they lead to.
// There is no folder where there is no USB camera.
func stableNames(folder string) map[string]string {
	ids := make(map[string]string)
	links, _ := filepath.Glob(filepath.Join(folder, "*")) // the pattern is a good one
	for _, link := range links {
		real, err := filepath.EvalSymlinks(link)
		if err != nil { // it leads nowhere: just unplugged
			continue
		}
		// Of several names the first in order.
		if _, ok := ids[real]; !ok {
			ids[real] = filepath.Base(link)
		}
	}
	return ids
}

// probe returns what the camera at path is called.
func probe(path string) (Info, error) {
	dev, err := webcam.Open(path)
	if err != nil {
		return Info{}, err
	}
	defer dev.Close()
	if _, err := offersOf(dev, Config{}.withDefaults()); err != nil {
		return Info{}, err
	}
	info := Info{Path: path}
	if info.Name, err = dev.GetName(); err != nil {
		return Info{}, err
	}
	if info.Bus, err = dev.GetBusInfo(); err != nil {
		return Info{}, err
	}
	return info, nil
}
