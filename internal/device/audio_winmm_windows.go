package device

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/pulse"
)

const (
	// waveBuffers is how many chunks Windows may fill before it loses sound: 80 ms.
	waveBuffers = 8

	// waveSilence is how long the first sound may take, and any after it. Windows
	// does not say so when a microphone is pulled out.
	waveSilence = 2 * time.Second
)

// openSystemMic opens a microphone of this machine by its name, or the system's
// choice. What Windows itself cannot open, FFmpeg may.
func openSystemMic(ctx context.Context, name string) (media.AudioSource, error) {
	m, err := openWaveMic(ctx, name)
	if err == nil {
		return m, nil
	}
	if ctx.Err() != nil || errors.Is(err, errMute) {
		return nil, err
	}
	if m, other := openDshowMic(ctx, name); other == nil {
		return m, nil
	}
	return nil, err
}

// A waveMic is a microphone of Windows:
//
//	a thread of Windows fills headers in turn > event > pump > push > ReadChunk
//
// One goroutine reads; any goroutine may close.
type waveMic struct {
	*push
	ended   chan struct{} // closed when pump has ended and the device is closed
	event   windows.Handle
	handle  uintptr
	stop    atomic.Bool
	closing sync.Once
	pinner  runtime.Pinner // of what follows, which Windows writes to

	headers [waveBuffers]waveHeader
	pcm     [waveBuffers][media.ChunkSamples]int16
}

// waveOpening holds a place while a microphone is being opened.
var waveOpening = make(chan struct{}, 1)

// openWaveMic opens a microphone and waits for the first sound. Windows has no way
// to give up what a driver takes its time for, so when ctx is done that goes on,
// by itself, and no other is opened meanwhile.
func openWaveMic(ctx context.Context, name string) (media.AudioSource, error) {
	select {
	case waveOpening <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	type opened struct {
		m   *waveMic
		err error
	}
	done := make(chan opened)
	go func() {
		m, err := startWaveMic(name)
		select {
		case done <- opened{m, err}:
		case <-ctx.Done():
			if err == nil {
				_ = m.Close() // has no error
			}
		}
		<-waveOpening
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, o.err
		}
		if err := o.m.await(ctx, o.m.ended, waveSilence); err != nil {
			_ = o.m.Close()
			return nil, err
		}
		return o.m, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// startWaveMic opens a microphone and has it fill its buffers.
func startWaveMic(name string) (*waveMic, error) {
	names, _, err := waveNames()
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, ErrNoDevice
	}
	id := uintptr(waveMapper)
	if name != Auto {
		i, err := findWave(names, name)
		if err != nil {
			return nil, err
		}
		id = uintptr(i)
	}
	m := &waveMic{push: newPush(), ended: make(chan struct{})}
	if m.event, err = windows.CreateEvent(nil, 0, 0, nil); err != nil { // resets itself
		return nil, os.NewSyscallError("CreateEvent", err)
	}
	if err := m.start(id); err != nil {
		_ = windows.CloseHandle(m.event)
		return nil, err
	}
	go m.pump()
	return m, nil
}

// start opens the device and hands it all buffers. After an error it is closed.
func (m *waveMic) start(id uintptr) (err error) {
	f := waveFormat{
		tag: waveFormatPCM, channels: 1, rate: media.SampleRate, bytesPerSecond: 2 * media.SampleRate, align: 2, bits: 16,
	}
	for _, flags := range []uintptr{callbackEvent, callbackEvent | waveMapped} {
		err = wave(waveInOpen, uintptr(unsafe.Pointer(&m.handle)), id, uintptr(unsafe.Pointer(&f)), uintptr(m.event), 0, flags)
		if !errors.Is(err, waveBadFormat) || id == waveMapper {
			break
		}
	}
	if err != nil {
		return err
	}
	m.pinner.Pin(m)
	for i := range m.headers {
		h := &m.headers[i]
		h.data, h.size = uintptr(unsafe.Pointer(&m.pcm[i])), uint32(unsafe.Sizeof(m.pcm[i]))
		if err := errors.Join(m.header(waveInPrepareHeader, i), m.header(waveInAddBuffer, i)); err != nil {
			m.end()
			return err
		}
	}
	if err := wave(waveInStart, m.handle); err != nil {
		m.end()
		return err
	}
	return nil
}

// header calls a function that takes a buffer.
func (m *waveMic) header(f *windows.LazyProc, i int) error {
	return wave(f, m.handle, uintptr(unsafe.Pointer(&m.headers[i])), unsafe.Sizeof(m.headers[i]))
}

// end closes the device: reset has Windows return all buffers.
func (m *waveMic) end() {
	_ = wave(waveInReset, m.handle)
	for i := range m.headers {
		_ = m.header(waveInUnprepareHeader, i)
	}
	_ = wave(waveInClose, m.handle)
	m.pinner.Unpin()
}

// pump takes sound out of the buffers as they are filled and returns them, until
// it is to stop or there is no more.
func (m *waveMic) pump() {
	defer close(m.ended)
	defer m.end()
	next := 0
	for {
		r, err := windows.WaitForSingleObject(m.event, uint32(waveSilence.Milliseconds()))
		switch {
		case m.stop.Load():
			return
		case err != nil:
			m.fail(os.NewSyscallError("WaitForSingleObject", err))
			return
		case r == uint32(windows.WAIT_TIMEOUT):
			m.fail(fmt.Errorf("%w: %w for %v", pulse.ErrGone, errMute, waveSilence))
			return
		}
		if next, err = m.take(next, time.Now()); err != nil {
			m.fail(fmt.Errorf("%w: %w", pulse.ErrGone, err))
			return
		}
	}
}

// take takes what is filled, from buffer number next on, and returns the number
// of the one that will be next. The last of them was filled at now.
func (m *waveMic) take(next int, now time.Time) (int, error) {
	done := 0
	for done < waveBuffers && atomic.LoadUint32(&m.headers[(next+done)%waveBuffers].flags)&waveHeaderDone != 0 {
		done++
	}
	var c media.Chunk
	for ; done > 0; done-- {
		c.PCM, c.At = m.pcm[next], now.Add(-time.Duration(done)*media.ChunkTime)
		m.put(&c)
		if err := m.header(waveInAddBuffer, next); err != nil {
			return next, err
		}
		next = (next + 1) % waveBuffers
	}
	return next, nil
}

// Close unblocks ReadChunk and waits until the device is closed.
func (m *waveMic) Close() error {
	m.fail(os.ErrClosed)
	m.closing.Do(func() {
		m.stop.Store(true)
		_ = windows.SetEvent(m.event)
		<-m.ended
		_ = windows.CloseHandle(m.event)
	})
	return nil
}
