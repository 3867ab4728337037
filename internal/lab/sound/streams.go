package sound

import (
	"time"

	"github.com/jfreymuth/pulse/proto"
)

// A Stream is sound on its way between a program and a device.
type Stream struct {
	Client string        // the program, "" for the server itself
	Device string        // the source or sink
	Held   time.Duration // in the stream's own queue, as the server says
	Inside time.Duration // in the device, as the server says
}

// A Direction is that of streams.
type Direction int

// The directions.
const (
	FromMics Direction = iota
	ToSpeakers
)

// Streams lists the streams of the server in a direction.
func (s *Server) Streams(d Direction) ([]Stream, error) {
	var list []Stream
	err := s.control(func(c *proto.Client) (err error) {
		if d == FromMics {
			list, err = recordings(c)
		} else {
			list, err = playing(c)
		}
		return err
	})
	return list, err
}

func recordings(c *proto.Client) ([]Stream, error) {
	var sources proto.GetSourceInfoListReply
	if err := c.Request(&proto.GetSourceInfoList{}, &sources); err != nil {
		return nil, err
	}
	names := make(map[uint32]string)
	for _, s := range sources {
		names[s.SourceIndex] = s.SourceName
	}
	var streams proto.GetSourceOutputInfoListReply
	if err := c.Request(&proto.GetSourceOutputInfoList{}, &streams); err != nil {
		return nil, err
	}
	var list []Stream
	for _, s := range streams {
		list = append(list, Stream{
			Client: program(s.Properties), Device: names[s.SourceIndex],
			Held: micros(s.SourceOutpuLatency), Inside: micros(s.SourceLatency),
		})
	}
	return list, nil
}

func playing(c *proto.Client) ([]Stream, error) {
	var sinks proto.GetSinkInfoListReply
	if err := c.Request(&proto.GetSinkInfoList{}, &sinks); err != nil {
		return nil, err
	}
	names := make(map[uint32]string)
	for _, s := range sinks {
		names[s.SinkIndex] = s.SinkName
	}
	var streams proto.GetSinkInputInfoListReply
	if err := c.Request(&proto.GetSinkInputInfoList{}, &streams); err != nil {
		return nil, err
	}
	var list []Stream
	for _, s := range streams {
		list = append(list, Stream{
			Client: program(s.Properties), Device: names[s.SinkIndex],
			Held: micros(s.SinkInputLatency), Inside: micros(s.SinkLatency),
		})
	}
	return list, nil
}

// program returns the name of the program in a stream's properties.
func program(p proto.PropList) string {
	if name, ok := p["application.name"]; ok {
		return name.String()
	}
	return ""
}

func micros(us proto.Microseconds) time.Duration { return time.Duration(us) * time.Microsecond }
