package pulse

import (
	"context"
	"fmt"
	"strings"

	"github.com/jfreymuth/pulse/proto"
)

// About returns what the default server calls itself, such as "PulseAudio 16.1" or
// "PipeWire 1.0.5". The words are the server's own. ctx bounds the question; the
// error wraps ErrNoServer, or is the server's.
func About(ctx context.Context) (string, error) {
	c, err := connect(ctx, "", func(any) {}, func(error) {})
	if err != nil {
		return "", err
	}
	defer c.close()
	defer c.until(ctx)()
	var info proto.GetServerInfoReply
	if err := c.proto.Request(&proto.GetServerInfo{}, &info); err != nil {
		return "", fmt.Errorf("ask the sound server for its name: %w", err)
	}
	return serverName(info.PackageName, info.PackageVersion), nil
}

// serverName makes a name of how a server introduces itself. PipeWire says
// "PulseAudio (on PipeWire 0.3.65)" and the version of PulseAudio that it is like.
func serverName(name, version string) string {
	if _, on, ok := strings.Cut(name, "(on "); ok {
		return strings.TrimSuffix(on, ")")
	}
	if name == "pulseaudio" {
		name = "PulseAudio"
	}
	return strings.TrimSpace(name + " " + version)
}
