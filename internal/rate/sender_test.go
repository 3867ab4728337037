package rate

import (
	"math/rand/v2"
	"testing"
	"time"
)

// limited returns a flow whose link takes 1 Mbit/s, after some seconds.
func limited(t *testing.T, p path) *flow {
	t.Helper()
	w := newWorld()
	f := p.flow(w, 7, true)
	f.start(9, rand.New(rand.NewPCG(9, 9)))
	w.run(5 * time.Second)
	if f.sender.State(w.now).Rate == 0 {
		t.Fatal("there is no limit")
	}
	return f
}

// count runs f for a while and returns how many datagrams have come.
func (f *flow) count(d time.Duration) (voice, pictures int) {
	f.voice, f.pictures, f.counting = class{}, class{}, true
	f.w.run(d)
	f.counting = false
	return f.voice.got, f.pictures.got
}

var narrow = path{rtt: 40 * ms, rate: 1e6, queue: 300 * ms}

// TestQuick checks how soon pictures make way on a link that becomes slow.
func TestQuick(t *testing.T) {
	w := newWorld()
	f := path{rtt: 40 * ms, queue: 300 * ms, rate: 10e6}.flow(w, 7, true)
	f.start(9, rand.New(rand.NewPCG(9, 9)))
	w.run(3 * time.Second)
	if s := f.sender.State(w.now); s.Rate != 0 {
		t.Fatalf("limit %d bit/s on a link of 10 Mbit/s", s.Rate)
	}
	f.down.rate = 0.8e6
	begin := w.now
	for f.sender.State(w.now).Rate == 0 {
		w.run(ms)
	}
	took := w.now.Sub(begin)
	t.Logf("after %v the limit is %d bit/s", took, f.sender.State(w.now).Rate)
	if took > 250*ms {
		t.Errorf("it takes %v, want at most 250 ms", took)
	}
	if r := f.sender.State(w.now).Rate; r < 500_000 || r > 900_000 {
		t.Errorf("limit %d bit/s on a link of 800,000", r)
	}
}

// TestForgets checks that a limit ends with its reason.
func TestForgets(t *testing.T) {
	f := limited(t, narrow)
	f.down.rate = 10e6
	begin := f.w.now
	for f.sender.State(f.w.now).Rate != 0 && f.w.now.Sub(begin) < time.Minute {
		f.w.run(100 * ms)
	}
	t.Logf("no limit after %v", f.w.now.Sub(begin))
	if took := f.w.now.Sub(begin); took > 25*time.Second {
		t.Errorf("there is a limit for %v", took)
	}
	if _, pictures := f.count(time.Second); pictures < 175 {
		t.Errorf("%d pictures a second, want 180", pictures)
	}
}

// TestLongerWay checks that a way that has become longer is not taken for a queue
// for ever, and one with clocks that drift never.
func TestLongerWay(t *testing.T) {
	w := newWorld()
	f := path{rtt: 40 * ms}.flow(w, 7, true)
	f.start(9, rand.New(rand.NewPCG(9, 9)))
	w.run(time.Second)
	for range 600 {
		f.receiver.clock.began = f.receiver.clock.began.Add(-10 * time.Microsecond) // 100 ppm
		w.run(100 * ms)
	}
	if s := f.sender.State(w.now); s.Rate != 0 {
		t.Fatalf("limit %d bit/s as the clocks drift", s.Rate)
	}
	f.down.delay += 80 * ms
	w.run(time.Second)
	if f.sender.State(w.now).Rate == 0 {
		t.Error("80 ms more are not noticed")
	}
	w.run(15 * time.Second)
	if _, pictures := f.count(time.Second); pictures < 160 { // 100 ms of them are on their way
		t.Errorf("%d pictures a second after 15 s, want 162", pictures)
	}
}

// TestSilence checks what goes when no reports come any more, and when they do
// again.
func TestSilence(t *testing.T) {
	w := newWorld()
	f := path{rtt: 40 * ms}.flow(w, 7, true)
	f.mute = true
	f.start(9, rand.New(rand.NewPCG(9, 9)))
	w.run(5 * time.Second)
	if voice, pictures := f.count(time.Second); voice < 440 || pictures < 176 {
		t.Errorf("%d voice and %d pictures a second to one who never reports, want 450 and 180", voice, pictures)
	}
	f.mute = false
	w.run(time.Second)
	f.mute = true
	w.run(800 * ms)
	if _, pictures := f.count(100 * ms); pictures < 14 {
		t.Errorf("%d pictures in 100 ms after 0.8 s of silence, want 18", pictures)
	}
	w.run(200 * ms)
	if s := f.sender.State(w.now); !s.Silent {
		t.Error("after 1.1 s of silence it is not noticed")
	}
	if voice, pictures := f.count(time.Second); voice < 440 || pictures != 2 {
		t.Errorf("%d voice and %d pictures a second after 1.1 s of silence, want 450 and 2", voice, pictures)
	}
	w.run(time.Second)
	if voice, pictures := f.count(time.Second); voice < 220 || voice > 230 || pictures != 2 {
		t.Errorf("%d voice and %d pictures a second after 3.1 s of silence, want 225 and 2", voice, pictures)
	}
	f.mute = false
	w.run(100 * ms)
	if voice, pictures := f.count(time.Second); voice < 440 || pictures < 176 {
		t.Errorf("%d voice and %d pictures a second after the silence, want 450 and 180", voice, pictures)
	}
}

// TestSeldom checks that few packets far apart are no silence, though not each of
// them is reported.
func TestSeldom(t *testing.T) {
	for _, gap := range []time.Duration{20 * ms, 60 * ms, 150 * ms, 400 * ms, time.Second, 5 * time.Second} {
		w := newWorld()
		f := path{rtt: 200 * ms}.flow(w, 1, true)
		silent := false
		w.every(0, gap, func() bool {
			f.send(nil, 100)
			w.after(ms, func() { f.send(nil, 100) })
			return true
		})
		w.every(0, 10*ms, func() bool { silent = silent || f.sender.State(w.now).Silent; return true })
		w.run(time.Minute)
		if silent {
			t.Errorf("a pair of packets each %v is found to be silence", gap)
		}
	}
}

// TestReportsThatHarmNothing takes reports late, twice, and of what was never sent.
func TestReportsThatHarmNothing(t *testing.T) {
	w := newWorld()
	f := path{rtt: 40 * ms}.flow(w, 7, true)
	f.start(9, rand.New(rand.NewPCG(9, 9)))
	w.run(2 * time.Second)
	before := f.sender
	for _, r := range []Report{
		{Newest: uint32(f.sender.reports.newest)},
		{Newest: uint32(f.sender.reports.newest - 1), Time: 1 << 20},
		{Newest: uint32(f.counter + 1), Bytes: 1 << 30},
		{},
	} {
		f.sender.Take(r, w.now)
		if f.sender.reports != before.reports || f.sender.limit != before.limit {
			t.Errorf("report %+v changes something", r)
		}
	}
	// Half of all reports get lost, and all come in a wrong order.
	f.up.loss, f.up.jitter, f.up.loose = 0.5, 200*ms, true
	if _, pictures := f.count(20 * time.Second); pictures < 3550 || f.sender.State(w.now).Rate != 0 {
		t.Errorf("%d pictures in 20 s, limit %d bit/s, want 3600 and none", pictures, f.sender.State(w.now).Rate)
	}
	f.down.rate, f.down.queue = 1e6, 300*ms
	if f.count(20 * time.Second); f.voice.share() < 0.99 || f.voice.quantile(0.95) > 80*ms {
		t.Errorf("%.2f %% of voice, p95 %v with bad reports, want 99 and 80 ms", 100*f.voice.share(), f.voice.quantile(0.95))
	}
}

func TestRestart(t *testing.T) {
	f := limited(t, narrow)
	f.sender.Restart()
	if s := f.sender.State(f.w.now); s != (State{}) {
		t.Errorf("after Restart: %+v", s)
	}
	f.w.run(2 * time.Second)
	if f.sender.State(f.w.now).Rate == 0 {
		t.Error("there is no limit 2 s after Restart")
	}
}

// TestWants checks what goes at which room.
func TestWants(t *testing.T) {
	f := limited(t, narrow)
	s := &f.sender
	now := f.w.now
	s.reports.queue = 0
	for _, tt := range []struct {
		tokens float64 // of the most
		want   [5]bool // by Want
	}{
		{1, [5]bool{true, true, true, true, false}},
		{0.45, [5]bool{true, true, true, false, false}},
		{0, [5]bool{true, true, false, false, false}},
		{-1.3, [5]bool{true, true, false, false, false}},
		{-1.6, [5]bool{true, false, false, false, false}},
	} {
		for w := range Left + 1 {
			s.fill(now)
			s.tokens = tt.tokens * s.most()
			if got := s.Allow(10, w, now); got != tt.want[w] {
				t.Errorf("with %.1f of the burst a datagram of want %d is allowed: %v, want %v", tt.tokens, w, got, tt.want[w])
			}
		}
	}
	s.reports.queue = delayStop + ms
	s.tokens = s.most()
	if s.Allow(10, Rest, now) || !s.Allow(10, Urgent, now) {
		t.Error("with a long queue more goes than what is urgent, or not even that")
	}
}

func TestNothingAllocates(t *testing.T) {
	f := limited(t, narrow)
	now := f.w.now
	counter := f.counter + 1<<16
	var r Receiver
	n := testing.AllocsPerRun(1000, func() {
		counter++
		now = now.Add(4 * ms)
		f.sender.Allow(700, Next, now)
		f.sender.Sent(counter, 1000, true, now)
		r.Arrive(counter, 1000, true, now)
		if r.Due(now) {
			var b [MaxReport]byte
			rep := r.Report(now)
			got, err := Parse(rep.Append(b[:0]))
			if err != nil {
				t.Fatal(err)
			}
			f.sender.Take(got, now)
		}
	})
	if n != 0 {
		t.Errorf("a packet allocates %v times", n)
	}
}

// BenchmarkPacket is what a packet costs at both ends.
func BenchmarkPacket(b *testing.B) {
	var s Sender
	var r Receiver
	now := start
	counter := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		counter++
		now = now.Add(4 * time.Millisecond)
		s.Allow(700, Next, now)
		s.Sent(counter, 1000, true, now)
		r.Arrive(counter, 1000, true, now)
		if r.Due(now) {
			s.Take(r.Report(now), now)
		}
	}
}

// TestSelfLimited has somebody who asks for nothing but codes pictures for the rate
// that is known.
func TestSelfLimited(t *testing.T) {
	for _, link := range []float64{150e3, 300e3, 1e6} {
		const voice, most = 60e3, 600e3 // bit/s
		w := newWorld()
		f := path{rtt: 40 * ms, rate: link, queue: 300 * ms}.flow(w, 3, false)
		w.every(0, 20*ms, func() bool { f.give(voiceSize, &f.voice, Urgent); return true })
		w.every(5*ms, 50*ms, func() bool {
			room := most
			if s := f.sender.State(w.now); s.Rate > 0 {
				room = min(max(0.8*(float64(s.Rate)-voice), 0), most)
				if s.Queue > 60*ms {
					return true
				}
			}
			for bytes := room / 8 / 20; bytes > 0; bytes -= 1000 {
				f.give(int(min(bytes, 1000))+1, &f.pictures, Next)
			}
			return true
		})
		w.every(5*ms, 5*ms, func() bool { f.flush(); return true })
		w.run(5 * time.Second)
		f.counting = true
		w.run(60 * time.Second)
		use := f.bits / 60 / min(link, most+voice)
		t.Logf("%.0f kbit/s: voice %.2f %%, p95 %v, p99 %v, use %.2f", link/1000, 100*f.voice.share(), f.voice.quantile(0.95), f.voice.quantile(0.99), use)
		if f.voice.share() < 0.99 || f.voice.quantile(0.95) > 80*ms || use < 0.7 {
			t.Errorf("%.0f kbit/s: voice %.2f %%, p95 %v, use %.2f, want 99 %%, 80 ms and 0.7", link/1000, 100*f.voice.share(), f.voice.quantile(0.95), use)
		}
	}
}

// TestStandstill has a receiver stand still once a second, as a busy machine does:
// what has come meanwhile it finds to be late.
func TestStandstill(t *testing.T) {
	for _, d := range []time.Duration{50 * ms, 100 * ms, 200 * ms} {
		w := newWorld()
		f := path{rtt: 40 * ms}.flow(w, 7, true)
		f.start(9, rand.New(rand.NewPCG(9, 9)))
		w.run(2 * time.Second)
		f.down.stalls = d
		f.counting = true
		w.run(20 * time.Second)
		f.counting = false
		w.run(time.Second)
		if s := f.sender.State(w.now); s.Rate != 0 || f.pictures.share() < 0.999 {
			t.Errorf("%v: limit %d bit/s, %.1f %% of pictures, want none and all", d, s.Rate, 100*f.pictures.share())
		}
	}
}
