package sound

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/thesyncim/gopus"
)

// trainOf returns the first samples of a train and when its clicks begin.
func trainOf(seed uint64, d time.Duration) ([]int16, []time.Duration) {
	t := newTrain(seed)
	pcm := make([]int16, samplesIn(d))
	t.read(pcm)
	return pcm, t.clicks()
}

// recordingOf returns pcm as recorded from the given time on, every chunk late
// by up to a few milliseconds.
func recordingOf(pcm []int16, at time.Time, jitter time.Duration) *recording {
	r := newRecording(time.Duration(len(pcm)) * time.Second / rate)
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := 0; i+chunkSamples <= len(pcm); i += chunkSamples {
		late := time.Duration(rnd.Int64N(int64(jitter) + 1))
		r.add(pcm[i:i+chunkSamples], at.Add(time.Duration(i)*time.Second/rate+late))
	}
	return r
}

// heardFrom returns when the clicks of a train are heard that begins at start.
func heardFrom(start time.Time, clicks []time.Duration) (due []time.Time) {
	for _, at := range clicks {
		due = append(due, start.Add(at))
	}
	return due
}

// delayed returns pcm with n samples of silence before it, half as loud, in noise.
func delayed(pcm []int16, n int) []int16 {
	rnd := rand.New(rand.NewPCG(3, 4))
	out := make([]int16, n, n+len(pcm))
	for _, v := range pcm {
		out = append(out, v/2+int16(rnd.IntN(600)-300))
	}
	return out
}

func TestTrain(t *testing.T) {
	t.Parallel()
	pcm, clicks := trainOf(1, 20*time.Second)
	again, _ := trainOf(1, 20*time.Second)
	other, _ := trainOf(2, 20*time.Second)
	if !slices.Equal(pcm, again) || slices.Equal(pcm, other) {
		t.Error("trains are not a function of their seed")
	}
	c := newTrain(1)
	for _, step := range []struct {
		to   time.Duration
		want int
	}{{0, 0}, {clicks[0], 0}, {clicks[0] + time.Millisecond, 1}, {clicks[1], 1}, {clicks[1] + time.Millisecond, 2}} {
		c.read(make([]int16, samplesIn(step.to)-c.pos))
		if got := c.begun(); got != step.want {
			t.Errorf("at %v %d clicks have begun, want %d", step.to, got, step.want)
		}
	}
	for k, at := range clicks {
		gap := clickLead
		if k > 0 {
			gap = at - clicks[k-1]
		}
		if gap < clickMin-time.Millisecond || gap > clickMax {
			t.Errorf("click %d comes %v after the last, want %v to %v", k, gap, clickMin, clickMax)
		}
		i := int(math.Round(at.Seconds() * rate))
		if wave := clickWave(1, uint64(k)); !slices.Equal(pcm[i:i+clickSamples], wave) {
			t.Errorf("click %d is not at %v", k, at)
		}
	}
	if n := len(clicks); n < 30 || n > 50 {
		t.Errorf("%d clicks in 20 s", n)
	}
}

// TestUnlike makes sure that no click is taken for another.
func TestUnlike(t *testing.T) {
	t.Parallel()
	worst := 0.0
	const clicks = 10
	for k := range uint64(clicks) {
		tmpl := template(1, k)
		for other := range uint64(clicks) {
			if other == k {
				continue
			}
			seg := make([]float32, 3*len(tmpl))
			copy(seg[len(tmpl):], template(1, other))
			worst = max(worst, slices.Max(likeness(tmpl, seg)))
		}
	}
	if worst >= likeExpected {
		t.Errorf("two clicks are alike by %.2f, want less than %.2f", worst, likeExpected)
	}
}

// TestCompare measures delays that are known.
func TestCompare(t *testing.T) {
	t.Parallel()
	const seconds = 5
	pcm, clicks := trainOf(7, seconds*time.Second)
	start := time.Unix(1000, 0)
	silent := append(slices.Clone(pcm), make([]int16, rate)...)
	tests := []struct {
		name   string
		delay  int // samples
		jitter time.Duration
		cut    []int // clicks that the ear does not get
		want   float64
		within float64 // milliseconds
	}{
		{"none", 0, 0, nil, 0, 0.03},
		{"a sample", 1, 0, nil, 0.021, 0.03},
		{"37 ms", 37 * 48, 0, nil, 37, 0.03},
		{"chunks come late", 37 * 48, 8 * time.Millisecond, nil, 37, 0.6},
		{"clicks are lost", 150 * 48, 0, []int{0, 3, 4, 7}, 150, 0.03},
		{"more than a click apart", 900 * 48, 0, []int{2}, 900, 0.03},
	}
	for _, tt := range tests {
		damaged := slices.Clone(silent)
		for _, k := range tt.cut {
			i := samplesIn(clicks[k])
			clear(damaged[i : i+clickSamples])
		}
		mouth := recordingOf(silent, start, tt.jitter)
		ear := recordingOf(delayed(damaged, tt.delay), start, tt.jitter)
		longest := time.Duration(tt.delay)*time.Second/rate + 200*time.Millisecond
		o := Options{Seed: 7, Duration: seconds * time.Second, MaxDelay: longest}.withDefaults()
		r := compare(o, clicks, heardFrom(start.Add(-30*time.Millisecond), clicks), mouth, ear)
		if r.Sent != len(clicks) || r.Lost != len(tt.cut) || r.Unsent+r.Unheard != 0 {
			t.Errorf("%s: sent %d, lost %d, not counted %d, want %d, %d, 0", tt.name, r.Sent, r.Lost, r.Unsent+r.Unheard, len(clicks), len(tt.cut))
		}
		for _, v := range []float64{r.Min, r.Median, r.P99, r.Max, r.Minutes[0].Median} {
			if math.Abs(v-tt.want) > tt.within {
				t.Errorf("%s: measured %.3f ms, want %.3f", tt.name, v, tt.want)
			}
		}
	}
}

// TestHalves makes sure that a click that is stretched or shortened in its middle
// is heard, and that one of which most is missing is not.
func TestHalves(t *testing.T) {
	t.Parallel()
	const moved = 5 // milliseconds
	pcm, clicks := trainOf(7, 6*time.Second)
	pcm = append(pcm, make([]int16, rate)...)
	middle := int(samplesIn(clicks[3])) + clickSamples/2
	for _, tt := range []struct {
		name   string
		change func(pcm []int16) []int16
		lost   int
		last   float64 // delay of the clicks after it
	}{
		{"stretched", func(pcm []int16) []int16 {
			return slices.Concat(pcm[:middle], pcm[middle-moved*48:middle], pcm[middle:])
		}, 0, moved},
		{"shortened", func(pcm []int16) []int16 {
			return slices.Concat(pcm[:middle], pcm[middle+moved*48:])
		}, 0, -moved},
		{"all but its beginning", func(pcm []int16) []int16 {
			clear(pcm[middle-clickSamples*3/8 : middle+clickSamples/2])
			return pcm
		}, 1, 0},
	} {
		ear := recordingOf(tt.change(slices.Clone(pcm)), time.Unix(1000, 0), 0)
		o := Options{Seed: 7, Duration: 6 * time.Second, MaxDelay: time.Second}.withDefaults()
		r := compare(o, clicks, heardFrom(time.Unix(1000, 0), clicks), recordingOf(pcm, time.Unix(1000, 0), 0), ear)
		if r.Sent != len(clicks) || r.Lost != tt.lost {
			t.Errorf("%s: sent %d, lost %d, want %d, %d", tt.name, r.Sent, r.Lost, len(clicks), tt.lost)
			continue
		}
		if got := r.Clicks[len(r.Clicks)-1].Delay; math.Abs(got-tt.last) > 0.1 {
			t.Errorf("%s: at the end the delay is %.2f ms, want %.0f", tt.name, got, tt.last)
		}
		if c := r.Clicks[3]; !c.Lost && math.Abs(c.Delay-tt.last/2) > math.Abs(tt.last)/2+0.1 {
			t.Errorf("%s: the click itself has a delay of %.2f ms", tt.name, c.Delay)
		}
	}
}

// TestGrowingDelay makes sure that the minutes show a delay that grows.
func TestGrowingDelay(t *testing.T) {
	r := &Report{Minutes: make([]Minute, 3)}
	for i := range 180 {
		r.Clicks = append(r.Clicks, Click{At: float64(i), Delay: float64(i), Lost: i == 70})
	}
	r.summarize()
	want := []Minute{{60, 0, 29}, {60, 1, 90}, {60, 0, 149}}
	if !slices.Equal(r.Minutes, want) || r.Min != 0 || r.Max != 179 || r.P99 != 178 {
		t.Errorf("minutes %v, min %v, p99 %v, max %v, want %v, 0, 178, 179", r.Minutes, r.Min, r.P99, r.Max, want)
	}
}

// TestHoles makes sure that what a recorder missed neither counts as lost nor
// spoils what follows, and that a stall of the recorder is no hole.
func TestHoles(t *testing.T) {
	t.Parallel()
	pcm, clicks := trainOf(7, 10*time.Second)
	pcm = append(pcm, make([]int16, rate)...)
	start := time.Unix(1000, 0)
	at := int(samplesIn(clicks[5])) / chunkSamples * chunkSamples
	const missing = 20 * chunkSamples // 200 ms: all of the click
	ear := newRecording(12 * time.Second)
	for i := 0; i+chunkSamples <= len(pcm); i += chunkSamples {
		if i >= at && i < at+missing {
			continue
		}
		late := time.Duration(0)
		if k := (i - 2*rate) / chunkSamples; k >= 0 && k < 6 {
			late = time.Duration(60-10*k) * time.Millisecond // a stall of 60 ms
		}
		ear.add(pcm[i:i+chunkSamples], start.Add(time.Duration(i)*time.Second/rate+late))
	}
	o := Options{Seed: 7, Duration: 10 * time.Second, MaxDelay: time.Second}.withDefaults()
	r := compare(o, clicks, heardFrom(start, clicks), recordingOf(pcm, start, 0), ear)
	if r.Unheard != 1 || r.Lost != 0 || r.Sent != len(clicks)-1 {
		t.Errorf("unheard %d, lost %d, sent %d, want 1, 0, %d", r.Unheard, r.Lost, r.Sent, len(clicks)-1)
	}
	if r.Min < -0.05 || r.Max > 0.05 {
		t.Errorf("delays from %v to %v ms, want 0", r.Min, r.Max)
	}
	if len(ear.holes) != 1 || ear.holes[0] != at/chunkSamples {
		t.Errorf("holes before chunks %v, want %d", ear.holes, at/chunkSamples)
	}
}

// TestOpus makes sure that clicks survive the codec of a call, losses included.
func TestOpus(t *testing.T) {
	t.Parallel()
	for _, bitrate := range []int{24000, 32000} {
		pcm, clicks := trainOf(7, 5*time.Second)
		enc, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: rate, Channels: 1, Application: gopus.ApplicationVoIP})
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(enc.SetBitrateMode(gopus.BitrateModeCBR), enc.SetBitrate(bitrate), enc.SetComplexity(5),
			enc.SetFrameSize(960), enc.SetSignal(gopus.SignalVoice))
		if err != nil {
			t.Fatal(err)
		}
		dec, err := gopus.NewDecoder(gopus.DefaultDecoderConfig(rate, 1))
		if err != nil {
			t.Fatal(err)
		}
		var out []int16
		packet, decoded := make([]byte, 1275), make([]float32, 960)
		for i := 0; i+960 <= len(pcm); i += 960 {
			n, err := enc.EncodeInt16(pcm[i:i+960], packet)
			if err != nil {
				t.Fatal(err)
			}
			p := packet[:n]
			if i/960%10 == 3 {
				p = nil // lost: the decoder makes something up
			}
			if _, err := dec.Decode(p, decoded); err != nil {
				t.Fatal(err)
			}
			for _, v := range decoded {
				out = append(out, int16(max(-32768, min(32767, v*32768))))
			}
		}
		out = append(out, make([]int16, rate)...)
		start := time.Unix(1000, 0)
		o := Options{Seed: 7, Duration: 5 * time.Second, MaxDelay: time.Second}.withDefaults()
		r := compare(o, clicks, heardFrom(start, clicks), recordingOf(append(pcm, make([]int16, rate)...), start, 0), recordingOf(out, start, 0))
		// the codec's own delay is 6.5 ms
		if r.Lost != 0 || r.Sent != len(clicks) || math.Abs(r.Median-6.5) > 0.5 || r.Max-r.Min > 2 {
			t.Errorf("at %d bit/s and 10 %% loss: %d of %d lost, delay %v to %v ms, median %v, want 6.5", bitrate, r.Lost, r.Sent, r.Min, r.Max, r.Median)
		}
	}
}

// TestMeasure measures nothing but the ruler, with real servers.
func TestMeasure(t *testing.T) {
	for _, kind := range Kinds {
		t.Run(string(kind), func(t *testing.T) {
			s := ForTest(t, kind)
			r, err := Measure(t.Context(), Options{Mouth: s.Address(), Ear: s.Address(), Duration: 2 * time.Second, MaxDelay: 500 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("error of the ruler: %.2f to %.2f ms, median %.2f", r.Min, r.Max, r.Median)
			// generous: a busy machine tears holes that are too small to be seen as such
			if r.Sent == 0 || 2*r.Lost > r.Sent || math.Abs(r.Median) > 25 {
				t.Errorf("sent %d, lost %d, unsent %d, unheard %d, median %v ms", r.Sent, r.Lost, r.Unsent, r.Unheard, r.Median)
			}
		})
	}
}
