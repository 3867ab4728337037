package device

import "context"

// listCameras lists the cameras that FFmpeg knows.
func listCameras(ctx context.Context) ([]Listed, error) {
	list, err := dshowList(ctx)
	return listNames(dshowNames(list, "video"), 0), err
}

// listMics lists the microphones of Windows.
func listMics(context.Context) ([]Listed, error) {
	names, preferred, err := waveNames()
	return waveListed(names, preferred), err
}

// listSpeakers lists the system's choice: no other can be had.
func listSpeakers(context.Context) ([]Listed, error) {
	return []Listed{{Name: Auto, Description: "the system's choice", Default: true}}, nil
}
