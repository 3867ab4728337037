package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/sanix-darker/s2c/internal/device"
	"github.com/sanix-darker/s2c/internal/doctor"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/pulse"
)

// How long the steps may take. Together with --listen and the tune, 1.2 s five
// times and half a second after two of them, they are below doctorTime.
const (
	openTime   = 3 * time.Second         // to open a device
	askedTime  = 1500 * time.Millisecond // the server is asked for delays every second
	settleTime = 300 * time.Millisecond  // what a microphone says first is no sound of the room often
)

// learnTunes is how often the canceller hears the tune before it is judged: 3.6 s,
// in which it has learnt a room.
const learnTunes = 3

// busyHint is for a device that opens and then does nothing.
const busyHint = "see whether another program holds it, or the system forbids it; unplug it and plug it in again"

// What is good enough, in dBFS unless it says otherwise.
const (
	deadPeak     = -66   // nothing but the noise of the electronics
	softLevel    = -45   // of speech; the others turn up the volume, and the noise
	noisyFloor   = -40   // noise between the words
	spoken       = 12    // dB above the noise: somebody has spoken
	humLevel     = -55   // is heard in pauses
	offsetLevel  = -34   // 2 % of full scale
	clippedShare = 0.001 // of the samples
	slowDevices  = 150 * time.Millisecond
	enoughAEC    = 15 // dB of echo that cancellation takes away
)

// checkSound looks at the microphone, the speaker, and what is between them.
func (e Env) checkSound(ctx context.Context, f doctorFlags) []check {
	list := checkServer(ctx, f)
	p := &soundCheck{env: e, f: f}
	defer func() { p.close() }()
	mic, speaker := p.open(ctx)
	if p.mic == nil && p.speaker == nil {
		return append(list, mic, speaker)
	}
	list = append(list, mic)
	if p.mic != nil {
		if !f.asJSON {
			e.say("listening for %v: say something", f.listen)
		}
		list = append(list, p.checkMic(ctx)...)
	}
	if p.mic == nil {
		_, _ = p.bench.Listen(ctx, p.learnTime()) // the speaker's own error comes below
	}
	echo := p.checkEcho(ctx)
	if p.broken != nil {
		speaker = failed(speaker.Name, checkFail, p.broken, "")
	}
	list = append(list, speaker)
	return append(append(list, p.delays...), echo)
}

// checkServer says which devices the sound server offers as the defaults. Where
// there is none, the devices themselves fail, and say so.
func checkServer(ctx context.Context, f doctorFlags) []check {
	if f.micName == device.None && f.speakerName == device.None {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, openTime, errSlow)
	defer cancel()
	name, err := pulse.About(ctx)
	if err != nil {
		return nil
	}
	return []check{{Name: "sound server", State: checkOK, Text: name}}
}

// A soundCheck is the part of the doctor's work that makes and hears sound.
type soundCheck struct {
	env     Env
	f       doctorFlags
	mic     media.AudioSource // nil when there is none
	speaker media.AudioSink   // nil when there is none
	bench   *doctor.Bench     // uses both; nil when they are closed
	delays  []check           // found when both were closed
	broken  error             // why the speaker failed while it was used
}

// open opens both devices without echo cancellation, which would hide what is
// wrong with them, and returns what to say about that.
func (p *soundCheck) open(ctx context.Context) (mic, speaker check) {
	ctx, cancel := context.WithTimeoutCause(ctx, openTime, errSlow)
	defer cancel()
	mics, speakers := namesOf(ctx)
	mic = check{Name: "microphone", State: checkSkip, Text: "none is wanted: you only listen"}
	speaker = check{Name: "speaker", State: checkSkip, Text: "none is wanted: you hear nobody"}
	if p.f.micName != device.None {
		m, err := device.OpenMic(ctx, p.f.micName)
		if err == nil {
			p.mic, mic = m, check{Name: mic.Name, State: checkOK, Text: title(p.f.micName, mics)}
		} else {
			mic = failed(mic.Name, checkFail, err, "see the names that there are: s2c devices")
		}
	}
	if p.f.speakerName != device.None {
		s, err := device.OpenSpeaker(ctx, p.f.speakerName)
		if err == nil {
			p.speaker, speaker = s, check{Name: speaker.Name, State: checkOK, Text: title(p.f.speakerName, speakers)}
		} else {
			speaker = failed(speaker.Name, checkFail, err, "see the names that there are: s2c devices")
		}
	}
	p.bench = doctor.New(p.mic, p.speaker)
	return mic, speaker
}

// close notes how long sound takes through the devices, and closes them.
func (p *soundCheck) close() {
	if p.bench == nil {
		return
	}
	if c, ok := checkDelay(p.mic, p.speaker); ok {
		p.delays = append(p.delays, c)
	}
	p.broken = p.bench.SpeakerErr()
	_ = p.bench.Close() // what they did until now counts
	p.bench = nil
}

// namesOf returns the devices, as far as they can be listed.
func namesOf(ctx context.Context) (mics, speakers []pulse.Info) {
	mics, _ = pulse.Mics(ctx)
	speakers, _ = pulse.Speakers(ctx)
	return mics, speakers
}

// title returns what the device is called that was asked for as name.
func title(name string, list []pulse.Info) string {
	if name != device.Auto {
		return fmt.Sprintf("%q", name)
	}
	for _, d := range list {
		if d.Default {
			return fmt.Sprintf("%s (the default, %q)", d.Description, d.Name)
		}
	}
	return "the system's choice"
}

// learnTime returns how long the speaker has to play until its delay is known.
func (p *soundCheck) learnTime() time.Duration {
	if d, ok := p.speaker.(delayer); ok {
		if _, ok := d.Delay(); ok {
			return askedTime
		}
	}
	return settleTime // a file
}

// checkMic listens, and says how that sounds.
func (p *soundCheck) checkMic(ctx context.Context) []check {
	_, err := p.bench.Listen(ctx, settleTime)
	var pcm []int16
	if err == nil {
		pcm, err = p.bench.Listen(ctx, p.f.listen)
	}
	if err != nil {
		return []check{failed("level", checkFail, fmt.Errorf("listen to microphone %q: %w", p.f.micName, err), busyHint)}
	}
	return judgeMic(doctor.Measure(pcm))
}

// judgeMic says in words how a microphone sounds.
func judgeMic(s doctor.Sound) []check {
	level := check{Name: "level", State: checkOK, Figures: map[string]float64{
		"peak_dbfs": round1(s.Peak), "loud_dbfs": round1(s.Loud), "floor_dbfs": round1(s.Floor),
	}}
	switch {
	case s.Silent:
		level.State, level.Text = checkFail, "nothing but silence: is it muted?"
		level.Hint = "look for a switch on the microphone and in the system's sound settings, or take another one: s2c devices"
		return []check{level}
	case s.Peak < deadPeak:
		level.State, level.Text = checkWarn, fmt.Sprintf("hardly anything: the loudest was %.0f dBFS", s.Peak)
		level.Hint = "say something while it listens; if you did, turn the microphone up, or see whether it is muted"
		return []check{level}
	case s.Loud < s.Floor+spoken:
		level.Text = fmt.Sprintf("noise of %.0f dBFS and nobody speaking: say something while it listens to see your level", s.Floor)
	case s.Loud < softLevel:
		level.State, level.Text = checkWarn, fmt.Sprintf("you are soft: speech at %.0f dBFS, noise at %.0f dBFS", s.Loud, s.Floor)
		level.Hint = "turn the microphone up in the system's sound settings, or go nearer"
	default:
		level.Text = fmt.Sprintf("speech at %.0f dBFS with a peak of %.0f, noise at %.0f dBFS", s.Loud, s.Peak, s.Floor)
	}
	clipping := check{Name: "clipping", State: checkOK, Text: "none", Figures: map[string]float64{"clipped_percent": round1(100 * s.Clipped)}}
	if s.Clipped >= clippedShare {
		clipping.State, clipping.Text = checkWarn, fmt.Sprintf("too loud: %.1f %% of the sound is cut off at full scale", 100*s.Clipped)
		clipping.Hint = "turn the microphone down in the system's sound settings, or go away from it a little"
	}
	return []check{level, clipping, judgeNoise(s)}
}

// judgeNoise says in words what a microphone adds.
func judgeNoise(s doctor.Sound) check {
	c := check{Name: "noise", State: checkOK, Text: "little, no hum, no offset", Figures: map[string]float64{
		"floor_dbfs": round1(s.Floor), "hum_dbfs": round1(s.Hum), "offset_dbfs": round1(s.Offset),
	}}
	switch {
	case s.Hum > humLevel && s.Hum > s.Floor-6:
		c.State, c.Text = checkWarn, fmt.Sprintf("mains hum of %d Hz, %.0f dBFS", s.HumHz, s.Hum)
		c.Hint = "use another cable or socket, or run the laptop from its battery"
	case s.Offset > offsetLevel:
		c.State, c.Text = checkWarn, fmt.Sprintf("the sound is off its middle by %.0f dBFS", s.Offset)
		c.Hint = "use another socket or microphone: this one wastes loudness"
	case s.Floor > noisyFloor && s.Loud >= s.Floor+spoken:
		c.State, c.Text = checkWarn, fmt.Sprintf("%.0f dBFS between the words", s.Floor)
		c.Hint = "close the window or use a headset, and turn the microphone down"
	case s.Floor > noisyFloor:
		c.Text = "something sounds all the time: be silent for a moment to see the noise"
	}
	return c
}

// A delayer is a device that knows how long sound takes through it.
type delayer interface {
	Delay() (pulse.Delay, bool)
}

// checkDelay says how long sound takes through the devices. It is known a second
// after they were opened.
func checkDelay(mic media.AudioSource, speaker media.AudioSink) (check, bool) {
	c := check{Name: "delay", State: checkOK, Figures: make(map[string]float64)}
	total := time.Duration(0)
	for _, d := range []struct {
		name   string
		device any
	}{{"microphone", mic}, {"speaker", speaker}} {
		from, ok := d.device.(delayer)
		if !ok {
			continue
		}
		parts, ok := from.Delay()
		if !ok {
			continue
		}
		if c.Text != "" {
			c.Text += ", "
		}
		sum := parts.Device + parts.Buffer
		total += sum
		c.Text += d.name + " " + delayText(parts)
		c.Figures[d.name+"_device_ms"], c.Figures[d.name+"_server_ms"] = round1(ms(parts.Device)), round1(ms(parts.Buffer))
	}
	if total > slowDevices {
		c.State, c.Hint = checkWarn, "the others wait for you that long: a wired headset is quicker than one without wires"
	}
	return c, c.Text != ""
}

// delayText says how long sound takes through a device.
func delayText(d pulse.Delay) string {
	if d == (pulse.Delay{}) {
		return "not told"
	}
	return fmt.Sprintf("%.0f ms (device %.0f, server %.0f)", ms(d.Device+d.Buffer), ms(d.Device), ms(d.Buffer))
}

// checkEcho plays the tune and looks for it in the microphone: first as it is,
// then, if it is there, through the canceller. It closes the devices.
func (p *soundCheck) checkEcho(ctx context.Context) check {
	defer p.close()
	c := check{Name: "echo", State: checkSkip}
	with := device.NewPair(device.PairConfig{Mic: p.f.micName, Speaker: p.f.speakerName})
	switch {
	case p.mic == nil || p.speaker == nil:
		c.Text = "it takes a microphone and a speaker"
	case errors.Is(with.AEC(), device.ErrNoAEC):
		c.Text = "files and test devices are not heard in the room"
	case p.f.quiet:
		c.Text = "not looked for, because of --quiet"
	}
	tune := doctor.Tune()
	if p.speaker != nil && !p.f.quiet && !p.f.asJSON {
		p.env.say("playing a short sound, five drops: can you hear it?")
	}
	if c.Text != "" {
		if p.speaker != nil && !p.f.quiet {
			if err := p.bench.Play(ctx, tune); err != nil {
				return failed(c.Name, checkWarn, fmt.Errorf("play the test sound: %w", err), busyHint)
			}
		}
		return c
	}
	off, err := p.bench.Echo(ctx, tune)
	if err != nil {
		return failed(c.Name, checkWarn, fmt.Errorf("play the test sound: %w", err), busyHint)
	}
	p.close()
	c.Figures = map[string]float64{"echo_dbfs": round1(off.Level), "echo_delay_ms": round1(ms(off.Delay))}
	if !off.Heard {
		c.State, c.Text = checkOK, "none: the microphone does not hear the speaker"
		return c
	}
	c.Text = fmt.Sprintf("the microphone hears the speaker %.0f ms later, at %.0f dBFS", ms(off.Delay), off.Level)
	on, err := p.cancelled(ctx, with, tune)
	if err != nil {
		c.State, c.Text = checkWarn, c.Text+": the others hear themselves, and that is not cancelled: "+err.Error()
		c.Hint = "use a headset, or install the sound server's module-echo-cancel"
		return c
	}
	return judgeCancelled(c, off, on)
}

// judgeCancelled adds to c what cancellation does.
func judgeCancelled(c check, off, on doctor.Echo) check {
	less, most := off.Level-on.Level, ""
	if !on.Heard {
		most = "at least "
	}
	c.Figures["cancelled_db"] = round1(less)
	if less < enoughAEC && on.Heard {
		c.State, c.Text = checkWarn, fmt.Sprintf("%s; cancellation takes away %.0f dB of it, which is little", c.Text, less)
		c.Hint = "use a headset, or turn the speaker down"
		return c
	}
	c.State, c.Text = checkOK, fmt.Sprintf("%s; cancellation takes it away (%s%.0f dB)", c.Text, most, less)
	return c
}

// cancelled returns what is left of the tune with echo cancellation, once the
// canceller has got to know the room.
func (p *soundCheck) cancelled(ctx context.Context, pair *device.Pair, tune []int16) (doctor.Echo, error) {
	if err := pair.AEC(); err != nil {
		return doctor.Echo{}, err
	}
	open, cancel := context.WithTimeoutCause(ctx, openTime, errSlow)
	defer cancel()
	speaker, err := pair.OpenSpeaker(open)
	if err != nil {
		return doctor.Echo{}, err
	}
	mic, err := pair.OpenMic(open)
	if err != nil {
		speaker.Close()
		return doctor.Echo{}, err
	}
	b := doctor.New(mic, speaker)
	defer b.Close()
	if err := pair.AEC(); err != nil {
		return doctor.Echo{}, err
	}
	if _, err := b.Listen(ctx, settleTime); err != nil {
		return doctor.Echo{}, err
	}
	for range learnTunes {
		if err := b.Play(ctx, tune); err != nil {
			return doctor.Echo{}, err
		}
	}
	return b.Echo(ctx, tune)
}

// round1 rounds to a tenth.
func round1(x float64) float64 { return math.Round(x*10) / 10 }
