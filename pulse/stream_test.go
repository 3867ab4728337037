package pulse

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

// ramp returns n samples as bytes that count up from first.
func ramp(first, n int) []byte {
	var b []byte
	for i := range n {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(first+i)))
	}
	return b
}

// newMic returns a Mic whose server is the other end of a pipe, and that end.
func newMic(t *testing.T) (*Mic, net.Conn) {
	m := &Mic{}
	m.init("record")
	return m, plug(t, &m.stream, m.event)
}

// newSpeaker is newMic for a Speaker that the server wants nothing of yet.
func newSpeaker(t *testing.T) (*Speaker, net.Conn) {
	s := &Speaker{target: 3 * pieceSize}
	s.init("play")
	return s, plug(t, &s.stream, s.event)
}

// plug connects s to a pipe, without the greetings.
func plug(t *testing.T, s *stream, events func(any)) net.Conn {
	ours, theirs := net.Pipe()
	s.client = &client{
		proto: &proto.Client{Callback: events},
		link:  newLink(ours, func(err error) { s.fail(ErrGone, err) }),
	}
	s.client.proto.SetTimeout(requestTimeout)
	s.client.proto.Open(s.client.link)
	t.Cleanup(func() { theirs.Close() })
	return theirs
}

// TestMicRead makes sure that sound comes out as it went in, in pieces of any
// length, with the time at which its first sample was recorded.
func TestMicRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, server := newMic(t)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer m.Close()
		start := time.Now()
		wg.Go(func() {
			for i := range 40 {
				time.Sleep(10 * time.Millisecond)
				server.Write(message(0, ramp(i*480, 480)))
			}
		})
		next := 0
		for _, n := range []int{1, 479, 480, 960, 333, 4000, 12000} {
			pcm := make([]int16, n)
			at, err := m.Read(pcm)
			if want := start.Add(duration(next)); err != nil || at.Sub(want).Abs() > time.Microsecond {
				t.Errorf("Read(%d samples) = %v, %v, want %v", n, at.Sub(start), err, want.Sub(start))
			}
			for i, v := range pcm {
				if v != int16(next+i) {
					t.Fatalf("Read(%d samples): sample %d is %d, want %d", n, i, v, int16(next+i))
				}
			}
			next += n
		}
	})
}

// TestMicLag makes sure that a slow reader loses the oldest sound.
func TestMicLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, server := newMic(t)
		defer m.Close()
		start := time.Now()
		for i := range 50 {
			time.Sleep(10 * time.Millisecond)
			server.Write(message(0, ramp(i*480, 480)))
		}
		synctest.Wait()
		pcm := make([]int16, 480)
		at, err := m.Read(pcm)
		if want := start.Add(300 * time.Millisecond); err != nil || at.Sub(want).Abs() > time.Microsecond || pcm[0] != 30*480 {
			t.Errorf("Read after 500 ms = sample %d of %v, %v, want %d of %v", pcm[0], at.Sub(start), err, 30*480, want.Sub(start))
		}
	})
}

// TestEnd makes sure that whatever ends a stream ends a Read and a Write that wait.
func TestEnd(t *testing.T) {
	tests := []struct {
		name string
		end  func(s *stream, server net.Conn)
		want error
	}{
		{"close", func(s *stream, _ net.Conn) { s.close() }, os.ErrClosed},
		{"server gone", func(_ *stream, server net.Conn) { server.Close() }, ErrGone},
		{"gone, then closed", func(s *stream, server net.Conn) { server.Close(); synctest.Wait(); s.close() }, ErrGone},
		{"closed twice", func(s *stream, _ net.Conn) { s.close(); s.close() }, os.ErrClosed},
		{"microphone killed", func(_ *stream, server net.Conn) { server.Write(command(proto.OpRecordStreamKilled, uint32Arg(0)...)) }, ErrGone},
		{"speaker killed", func(_ *stream, server net.Conn) { server.Write(command(proto.OpPlaybackStreamKilled, uint32Arg(0)...)) }, ErrGone},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			m, server := newMic(t)
			s, server2 := newSpeaker(t)
			read, written := make(chan error, 1), make(chan error, 1)
			go func() { _, err := m.Read(make([]int16, 480)); read <- err }()
			go func() { written <- s.Write(make([]int16, 480)) }()
			synctest.Wait()
			if tt.name != "speaker killed" {
				tt.end(&m.stream, server)
				if err := <-read; !errors.Is(err, tt.want) {
					t.Errorf("%s: Read = %v, want %v", tt.name, err, tt.want)
				}
			}
			if tt.name != "microphone killed" {
				tt.end(&s.stream, server2)
				if err := <-written; !errors.Is(err, tt.want) {
					t.Errorf("%s: Write = %v, want %v", tt.name, err, tt.want)
				}
			}
			m.Close()
			s.Close()
		})
	}
}

// serve reads what a Speaker sends and returns the samples, channel by channel.
func serve(server net.Conn, got chan<- []int16) {
	defer close(got)
	header := make([]byte, headerSize)
	for {
		if _, err := io.ReadFull(server, header); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(header))
		if _, err := io.ReadFull(server, body); err != nil {
			return
		}
		pcm := make([]int16, len(body)/sampleSize)
		for i := range pcm {
			pcm[i] = int16(binary.LittleEndian.Uint16(body[i*sampleSize:]))
		}
		got <- pcm
	}
}

// request is a server's wish for n samples.
func request(n int) []byte {
	return command(proto.OpRequest, append(uint32Arg(0), uint32Arg(uint32(n*sampleSize))...)...)
}

// TestSpeakerPace makes sure that Write takes as long as the server does.
func TestSpeakerPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, server := newSpeaker(t)
		defer s.Close()
		got := make(chan []int16, 1000)
		go serve(server, got)
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() { // asks for 5 ms each 5 ms
			for range 20 {
				time.Sleep(5 * time.Millisecond)
				server.Write(request(240))
			}
		})
		start := time.Now()
		pcm := make([]int16, 960)
		for i := range 5 {
			pcm[0] = int16(i)
			if err := s.Write(pcm); err != nil {
				t.Fatal(err)
			}
			if took, want := time.Since(start), time.Duration(i+1)*20*time.Millisecond; took != want {
				t.Errorf("%d chunks were written within %v, want %v", i+1, took, want)
			}
		}
		var first []int16
		for range 10 {
			first = append(first, (<-got)[0])
		}
		if want := []int16{0, 0, 1, 0, 2, 0, 3, 0, 4, 0}; !slices.Equal(first, want) {
			t.Errorf("the pieces start with %d, want %d", first, want)
		}
	})
}

// TestSpeakerWait makes sure that Wait waits until Write would begin, and takes
// nothing off the account.
func TestSpeakerWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, server := newSpeaker(t)
		got := make(chan []int16, 10)
		go serve(server, got)
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			for range 2 {
				time.Sleep(5 * time.Millisecond)
				server.Write(request(240))
			}
		})
		start := time.Now()
		err := errors.Join(s.Wait(), s.Wait(), s.Write(make([]int16, 480)))
		if took := time.Since(start); err != nil || took != 10*time.Millisecond {
			t.Errorf("Wait, Wait, Write = %v after %v, want 10 ms", err, took)
		}
		s.Close()
		if err := s.Wait(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Wait after Close = %v, want os.ErrClosed", err)
		}
	})
}

// TestSpeakerLate makes sure that a writer that stood still goes on at the
// device's pace: what should have been heard meanwhile is made up with silence.
func TestSpeakerLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, server := newSpeaker(t)
		defer s.Close()
		got := make(chan []int16, 1000)
		go serve(server, got)
		server.Write(request(Rate)) // a second
		synctest.Wait()
		pcm := make([]int16, pieceSamples)
		for i := range pcm {
			pcm[i] = 1
		}
		for range 3 { // as much as the server tries to hold
			if err := s.Write(pcm); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		silent, loud := 0, 0
		for len(got) > 0 {
			for _, v := range <-got {
				if v == 0 {
					silent++
				} else {
					loud++
				}
			}
		}
		if want := Rate - 3*pieceSamples; silent != want || loud != 3*pieceSamples {
			t.Errorf("%d samples of silence and %d of sound were sent, want %d and %d", silent, loud, want, 3*pieceSamples)
		}
		if s.credit != 0 {
			t.Errorf("the server still wants %d bytes, want 0", s.credit)
		}
	})
}

// TestUnderruns makes sure that waiting for the first sound is not counted.
func TestUnderruns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, server := newSpeaker(t)
		defer s.Close()
		got := make(chan []int16, 1000)
		go serve(server, got)
		underflow := command(proto.OpUnderflow, append(uint32Arg(0), 'r', 0, 0, 0, 0, 0, 0, 0, 0)...)
		server.Write(underflow)
		server.Write(request(480))
		if err := s.Write(make([]int16, 480)); err != nil {
			t.Fatal(err)
		}
		server.Write(underflow)
		server.Write(underflow)
		synctest.Wait()
		if n := s.Underruns(); n != 2 {
			t.Errorf("Underruns() = %d, want 2", n)
		}
	})
}

// TestTend makes sure that a stream is given up when it says nothing and its
// server does not answer, and not before.
func TestTend(t *testing.T) {
	silence := errors.New("timeout")
	tests := []struct {
		name      string
		suspended bool
		answer    error
		sound     bool          // keeps coming
		gone      time.Duration // 0 means that it stays
	}{
		{"sound", false, nil, true, 0},
		{"sound, no answers", false, silence, true, 0},
		{"no sound", false, nil, false, 0},
		{"suspended", true, silence, false, 0},
		{"no sound, no answers", false, silence, false, 750 * time.Millisecond},
		{"stream unknown", true, proto.ErrNoSuchEntity, true, tendEvery},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			m, server := newMic(t)
			m.setSuspended(tt.suspended)
			start := time.Now()
			var wg sync.WaitGroup
			wg.Go(func() {
				for i := 0; tt.sound && i < 600; i++ {
					time.Sleep(10 * time.Millisecond)
					server.Write(message(0, ramp(0, 480))) // fails after Close
				}
			})
			ended := make(chan time.Duration, 1)
			m.tending.Go(func() {
				m.tend(nil, func() error { return tt.answer })
				ended <- time.Since(start)
			})
			time.Sleep(5 * time.Second)
			m.mu.Lock()
			err := m.err
			m.mu.Unlock()
			if (tt.gone != 0) != errors.Is(err, ErrGone) {
				t.Errorf("%s: after 5 s the error is %v", tt.name, err)
			}
			m.Close()
			if took := <-ended; tt.gone != 0 && took != tt.gone {
				t.Errorf("%s: given up after %v, want %v", tt.name, took, tt.gone)
			}
			wg.Wait()
		})
	}
}

func TestLearn(t *testing.T) {
	now := time.Unix(1000, 0)
	tests := []struct {
		hidden []time.Duration
		want   time.Duration
	}{
		{[]time.Duration{0, 0, 0}, 0},                                 // not known
		{[]time.Duration{25e6, 25e6}, 0},                              // not enough
		{[]time.Duration{3e6, 3e6, 3e6}, 0},                           // less than has passed since the last packet
		{[]time.Duration{25e6, 0, 25e6, 25e6}, 20 * time.Millisecond}, // 5 ms of it since the last packet
		{[]time.Duration{time.Hour, time.Hour, time.Hour}, maxDelay},  // absurd
		{[]time.Duration{25e6, 465e6, 25e6}, 20 * time.Millisecond},   // wrong once
		{[]time.Duration{465e6, 25e6, 25e6}, 20 * time.Millisecond},   // wrong at first
		{[]time.Duration{25e6, 25e6, 25e6, 465e6, 465e6}, 20e6},       // wrong twice
		{[]time.Duration{25e6, 25e6, 25e6, 65e6, 65e6, 65e6}, 22e6},   // longer: slowly
		{[]time.Duration{45e6, 45e6, 45e6, 25e6, 25e6, 25e6}, 35e6},   // shorter: a quarter of the way
		{[]time.Duration{45e6, 45e6, 45e6, 47e6, 47e6, 47e6}, 40.5e6}, // a little longer
	}
	for _, tt := range tests {
		m := &Mic{}
		m.init("record")
		m.record(ramp(0, 480), now.Add(-5*time.Millisecond))
		for _, h := range tt.hidden {
			m.learn(now, h, 0)
		}
		if m.delay.value != tt.want {
			t.Errorf("after %v the delay is %v, want %v", tt.hidden, m.delay.value, tt.want)
		}
	}
}

// TestLearnQueue makes sure that a server is not believed that its queue holds
// more than can have been captured.
func TestLearnQueue(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		start, device, queue time.Duration
		late                 time.Duration // since the last packet
		want                 time.Duration
	}{
		{0, 5 * ms, 440 * ms, 0, 5 * ms},
		{30 * ms, 5 * ms, 440 * ms, 0, 35 * ms},
		{30 * ms, 5 * ms, 10 * ms, 0, 15 * ms},
		{30 * ms, 0, 440 * ms, 100 * ms, 30 * ms}, // it grew while nothing came
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			m := &Mic{}
			m.init("record")
			time.Sleep(tt.start)
			m.record(ramp(0, 480), time.Now())
			time.Sleep(tt.late)
			for range delayEnough {
				m.learn(time.Now(), tt.device, tt.queue)
			}
			if m.delay.value != tt.want {
				t.Errorf("after %v until the first packet, %v in the device, %v in the queue and %v without a packet the delay is %v, want %v",
					tt.start, tt.device, tt.queue, tt.late, m.delay.value, tt.want)
			}
		})
	}
}

// TestClock feeds packets that come late by chance and expects the times at
// which they were recorded.
func TestClock(t *testing.T) {
	const d = 10 * time.Millisecond
	start := time.Unix(1000, 0)
	late := func(i int) time.Duration { return time.Duration(i*7%5) * time.Millisecond } // 0 to 4 ms, every fifth in time
	var c clock
	for i := range 1000 {
		recorded := start.Add(time.Duration(i) * d)
		got := c.stamp(recorded.Add(d+late(i)), d)
		if off := got.Sub(recorded); i > 5 && (off < 0 || off > time.Millisecond/2) {
			t.Fatalf("packet %d is said to begin %v late, want less than 0.5 ms", i, off)
		}
	}
	recorded := start.Add(time.Hour) // the device slept
	if got := c.stamp(recorded.Add(d), d); !got.Equal(recorded) {
		t.Errorf("after a gap, a packet is said to begin %v late, want 0", got.Sub(recorded))
	}
	// a device that is slow by 300 ppm, which the clock must follow
	for i := range 6000 {
		recorded = recorded.Add(d + d*300/1e6)
		if off := c.stamp(recorded.Add(d), d).Sub(recorded); off.Abs() > 2*time.Millisecond {
			t.Fatalf("after %d packets of a slow device the clock is off by %v", i, off)
		}
	}
}

func TestGrowth(t *testing.T) {
	const floor = 40 * time.Millisecond
	s := time.Second
	tests := []struct {
		name  string
		under []time.Duration // when
		until time.Duration
		late  time.Duration // how late the writer is at each
		want  time.Duration
	}{
		{"none", nil, 200 * s, 0, floor},
		{"two", []time.Duration{s, 2 * s}, 50 * s, 0, floor},
		{"three within 10 s", []time.Duration{s, 5 * s, 10 * s}, 20 * s, 0, floor + 10*time.Millisecond},
		{"three, too far apart", []time.Duration{s, 6 * s, 12 * s}, 20 * s, 0, floor},
		{"six", []time.Duration{s, 2 * s, 3 * s, 4 * s, 5 * s, 6 * s}, 20 * s, 0, floor + 20*time.Millisecond},
		{"back after a clean minute", []time.Duration{s, 2 * s, 3 * s}, 70 * s, 0, floor},
		{"half of a long way back", seconds(20), 90 * s, 0, floor + 30*time.Millisecond},
		{"back in spite of one", []time.Duration{s, 2 * s, 3 * s, 40 * s}, 70 * s, 0, floor},
		{"not back because of two", []time.Duration{s, 2 * s, 3 * s, 40 * s, 55 * s}, 70 * s, 0, floor + 10*time.Millisecond},
		{"half of the way back", []time.Duration{s, 2 * s, 3 * s, 4 * s, 5 * s, 6 * s}, 70 * s, 0, floor + 10*time.Millisecond},
		{"all the time", seconds(1000), 1000 * s, 0, growthLimit},
		{"three, a little late", []time.Duration{s, 5 * s, 10 * s}, 20 * s, 3 * time.Millisecond, floor + 10*time.Millisecond},
		{"three, by 28 ms", []time.Duration{s, 5 * s, 10 * s}, 20 * s, 28 * time.Millisecond, floor + 30*time.Millisecond},
		{"three, very late", []time.Duration{s, 5 * s, 10 * s}, 20 * s, s, floor + growthLeap},
		{"all the time, very late", seconds(1000), 1000 * s, s, growthLimit},
		{"late twice", []time.Duration{s, 5 * s}, 20 * s, s, floor},
	}
	for _, tt := range tests {
		g := newGrowth(floor)
		var n uint64
		for now := time.Duration(0); now <= tt.until; now += tendEvery {
			late := time.Duration(0)
			for int(n) < len(tt.under) && tt.under[n] <= now {
				n++
				late = tt.late
			}
			g.step(time.Unix(1000, 0).Add(now), n, late)
		}
		if g.length != tt.want {
			t.Errorf("%s: the buffer is %v long, want %v", tt.name, g.length, tt.want)
		}
	}
}

// seconds returns 1 s to n s.
func seconds(n int) (list []time.Duration) {
	for i := range n {
		list = append(list, time.Duration(i+1)*time.Second)
	}
	return list
}

// TestAllocs makes sure that our part of the hot path allocates nothing.
func TestAllocs(t *testing.T) {
	m := &Mic{}
	m.init("record")
	data, pcm, now := ramp(0, 480), make([]int16, 480), time.Now()
	if n := testing.AllocsPerRun(1000, func() {
		m.record(data, now)
		m.Read(pcm)
	}); n != 0 {
		t.Errorf("record and Read allocate %v times a packet, want 0", n)
	}
	s := discardSpeaker()
	if n := testing.AllocsPerRun(1000, func() {
		s.grant(len(pcm) * sampleSize)
		s.Write(pcm)
	}); n != 0 {
		t.Errorf("Write allocates %v times, want 0", n)
	}
}

// discardSpeaker returns a Speaker whose connection swallows everything.
func discardSpeaker() *Speaker {
	s := &Speaker{target: 3 * pieceSize}
	s.init("play")
	s.client = &client{proto: &proto.Client{}}
	s.client.proto.Open(readConn{r: blockingReader{}})
	return s
}

// blockingReader never yields anything.
type blockingReader struct{}

func (blockingReader) Read([]byte) (int, error) { select {} }

func BenchmarkWrite(b *testing.B) {
	s := discardSpeaker()
	pcm := make([]int16, 480)
	b.ReportAllocs()
	for b.Loop() {
		s.grant(len(pcm) * sampleSize)
		s.Write(pcm)
	}
}

// BenchmarkRead includes the library, which allocates for each packet.
func BenchmarkRead(b *testing.B) {
	m := &Mic{}
	m.init("record")
	b.ReportAllocs()
	r, w := io.Pipe()
	p := &proto.Client{Callback: m.event}
	p.Open(newLink(readConn{r: r}, func(error) {}))
	defer w.Close()
	packet, pcm := message(0, ramp(0, 480)), make([]int16, 480)
	for b.Loop() {
		w.Write(packet)
		m.Read(pcm)
	}
}
