package pulse

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jfreymuth/pulse/proto"
)

// A found is a device as the server lists it.
type found struct {
	Info
	monitor bool // it records what a speaker plays
	private bool // it plays to one person's ears, who alone hears it
}

// list connects, lists devices, and disconnects.
func list(ctx context.Context, server string, ask func(*client) ([]found, error)) ([]Info, error) {
	c, err := connect(ctx, server, func(any) {}, func(error) {})
	if err != nil {
		return nil, err
	}
	defer c.close()
	defer c.until(ctx)()
	all, err := ask(c)
	if err != nil {
		return nil, fmt.Errorf("list sound devices: %w", err)
	}
	var infos []Info
	for _, f := range all {
		if !f.monitor {
			infos = append(infos, f.Info)
		}
	}
	return infos, nil
}

// sources lists everything that records, monitors too, but for an Echo's.
func (c *client) sources() ([]found, error) {
	var server proto.GetServerInfoReply
	if err := c.proto.Request(&proto.GetServerInfo{}, &server); err != nil {
		return nil, err
	}
	var reply proto.GetSourceInfoListReply
	if err := c.proto.Request(&proto.GetSourceInfoList{}, &reply); err != nil {
		return nil, err
	}
	list := make([]found, 0, len(reply))
	for _, s := range reply {
		if strings.HasPrefix(s.SourceName, echoMic) || strings.HasPrefix(s.SourceName, echoSpeaker) {
			continue // an Echo's, perhaps of another process
		}
		// The field is called after the sink's; for a source it is the sink
		// that the source is the monitor of.
		monitor := s.MonitorSourceIndex != proto.Undefined || s.Properties["device.class"].String() == "monitor"
		list = append(list, found{Info: describe(s.SourceName, s.Properties, server.DefaultSourceName), monitor: monitor})
	}
	return list, nil
}

// sinks lists everything that plays, but for an Echo's.
func (c *client) sinks() ([]found, error) {
	var server proto.GetServerInfoReply
	if err := c.proto.Request(&proto.GetServerInfo{}, &server); err != nil {
		return nil, err
	}
	var reply proto.GetSinkInfoListReply
	if err := c.proto.Request(&proto.GetSinkInfoList{}, &reply); err != nil {
		return nil, err
	}
	list := make([]found, 0, len(reply))
	for _, s := range reply {
		if strings.HasPrefix(s.SinkName, echoSpeaker) {
			continue // an Echo's
		}
		port := s.ActivePortName
		for _, p := range s.Ports {
			if p.Name == port && p.Available == portUnplugged {
				port = ""
			}
		}
		list = append(list, found{
			Info:    describe(s.SinkName, s.Properties, server.DefaultSinkName),
			private: isPrivate(port, s.Properties["device.form_factor"].String()),
		})
	}
	return list, nil
}

// portUnplugged is what the servers say of a port without a plug in it.
const portUnplugged = 1

// isPrivate reports whether a speaker is headphones or a headset, by the name of
// the port that is in use and by the form that its driver tells. A "hands-free"
// of Bluetooth is no headset, but cancels echo itself.
func isPrivate(port, form string) bool {
	switch form {
	case "headphone", "headset", "hands-free":
		return true
	}
	return contains(port, "headphone") || contains(port, "headset")
}

func describe(name string, props proto.PropList, defaultName string) Info {
	info := Info{Name: name, Description: name, Default: name == defaultName}
	if d, ok := props["device.description"]; ok {
		info.Description = d.String()
	}
	return info
}

// choose returns the name of the device that want means: the one of that name,
// else the first whose description contains it, whatever the case. "" means the
// default, which is never a monitor: a server without a microphone offers what
// its speaker plays, and in a call that is the others' echo.
func choose(list []found, want string) (string, error) {
	for _, f := range list {
		if want != "" && f.Name == want || want == "" && f.Default && !f.monitor {
			return f.Name, nil
		}
	}
	for _, f := range list {
		if !f.monitor && contains(f.Description, want) {
			return f.Name, nil
		}
	}
	return "", ErrNotFound
}

// contains reports whether s contains part, letters of both cases being equal.
func contains(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

// openError makes a server's refusal to open a device an error of ours.
func openError(op string, err error) error {
	switch {
	case errors.Is(err, proto.ErrNoSuchEntity):
		err = ErrNotFound
	case errors.Is(err, proto.ErrEntityKilled):
		err = ErrGone
	}
	return fmt.Errorf("%s: %w", op, err)
}
