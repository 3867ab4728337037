package device

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/sanix-darker/s2c/internal/media"
)

const (
	// waveBuffers is how many chunks Windows may fill before it loses sound: 160 ms.
	waveBuffers = 16

	// waveFirst is how long the first sound may take: a headset without a wire
	// takes seconds to become a microphone.
	waveFirst = 5 * time.Second

	// waveSilence is how long any sound after it may take. Windows does not say so
	// when a microphone is pulled out.
	waveSilence = 2 * time.Second
)

// openSystemMic opens a microphone of this machine by its name, or the system's
// choice. What Windows has no name for may be one of those that FFmpeg knows.
func openSystemMic(ctx context.Context, name string) (media.AudioSource, error) {
	m, err := openWaveMic(ctx, name)
	if err == nil {
		return m, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	other, errOther := openDshowMic(ctx, name)
	if errors.Is(errOther, ErrNoFFmpeg) || errors.Is(errOther, ErrNoDevice) {
		return nil, err
	}
	return other, errOther
}

// A waveMic is a microphone of Windows:
//
//	a thread of Windows fills headers in turn > event > pump > push > ReadChunk
//
// One goroutine reads; any goroutine may close.
type waveMic struct {
	*push
	memory  *waveMemory
	pinner  runtime.Pinner // of memory
	ended   chan struct{}  // closed when pump has ended and the device is closed
	event   windows.Handle
	handle  uintptr
	kept    bool // the driver did not close; set before ended is closed
	stop    atomic.Bool
	closing sync.Once
}

// A waveMemory is what Windows writes to, by itself.
type waveMemory struct {
	headers [waveBuffers]waveHeader
	pcm     [waveBuffers][media.ChunkSamples]int16
}

// waveKept are the microphones that a driver would not close: their memory stays
// its own.
var waveKept struct {
	mu   sync.Mutex
	mics []*waveMic // guarded by mu
}

// waveOpening holds a place while a microphone is being opened.
var waveOpening = make(chan struct{}, 1)

// openWaveMic opens a microphone and waits for the first sound. Windows has no way
// to give up what a driver takes its time for, so when ctx is done that goes on,
// by itself, and no other is opened meanwhile.
func openWaveMic(ctx context.Context, name string) (*waveMic, error) {
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
		defer func() { <-waveOpening }()
		m, err := startWaveMic(name)
		select {
		case done <- opened{m, err}:
		case <-ctx.Done():
			if err == nil {
				_ = m.Close() // has no error
			}
		}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, o.err
		}
		if err := o.m.await(ctx, o.m.ended, waveFirst); err != nil {
			_ = o.m.Close()
			return nil, err
		}
		return o.m, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// waveID returns the number by which Windows opens a microphone.
func waveID(name string) (uintptr, error) {
	if name == Auto {
		n, err := waveCount()
		if n == 0 && err == nil {
			err = ErrNoDevice
		}
		return waveMapper, err
	}
	names, _, err := waveNames()
	if err != nil {
		return 0, err
	}
	i, err := waveFind(names, name)
	return uintptr(i), err
}

// startWaveMic opens a microphone and has it fill its buffers.
func startWaveMic(name string) (*waveMic, error) {
	id, err := waveID(name)
	if err != nil {
		return nil, err
	}
	m := &waveMic{push: newPush(), memory: new(waveMemory), ended: make(chan struct{})}
	if m.event, err = windows.CreateEvent(nil, 0, 0, nil); err != nil { // resets itself
		return nil, os.NewSyscallError("CreateEvent", err)
	}
	if err = m.open(id); err == nil {
		if err = m.start(); err == nil {
			go m.pump()
			return m, nil
		}
		m.end()
	}
	m.closeEvent()
	return nil, err
}

// open opens the device. One that cannot give the format itself has Windows convert.
func (m *waveMic) open(id uintptr) error {
	f := waveFormat{
		tag: waveFormatPCM, channels: 1, rate: media.SampleRate, bytesPerSecond: 2 * media.SampleRate, align: 2, bits: 16,
	}
	open := func(flags uintptr) error {
		return wave(waveInOpen, uintptr(unsafe.Pointer(&m.handle)), id, uintptr(unsafe.Pointer(&f)), uintptr(m.event), 0, flags)
	}
	err := open(callbackEvent)
	if errors.Is(err, waveBadFormat) && id != waveMapper { // which converts anyway
		err = open(callbackEvent | waveMapped)
	}
	return err
}

// start hands all buffers to the device, which is to be ended after an error too.
func (m *waveMic) start() error {
	m.pinner.Pin(m.memory)
	for i := range m.memory.headers {
		h := &m.memory.headers[i]
		h.data, h.size = uintptr(unsafe.Pointer(&m.memory.pcm[i])), uint32(unsafe.Sizeof(m.memory.pcm[i]))
		for _, f := range []*windows.LazyProc{waveInPrepareHeader, waveInAddBuffer} {
			if e := m.header(f, i); e != 0 {
				return e
			}
		}
	}
	return wave(waveInStart, m.handle)
}

// header calls a function that takes a buffer. It allocates nothing, as wave does.
func (m *waveMic) header(f *windows.LazyProc, i int) waveError {
	h := &m.memory.headers[i]
	r, _, _ := syscall.SyscallN(f.Addr(), m.handle, uintptr(unsafe.Pointer(h)), unsafe.Sizeof(*h))
	return waveError(r)
}

// end closes the device: reset has Windows return all buffers.
func (m *waveMic) end() {
	_ = wave(waveInReset, m.handle)
	for i := range m.memory.headers {
		_ = m.header(waveInUnprepareHeader, i)
	}
	if wave(waveInClose, m.handle) == nil {
		m.pinner.Unpin()
		return
	}
	m.kept = true
	waveKept.mu.Lock()
	waveKept.mics = append(waveKept.mics, m)
	waveKept.mu.Unlock()
}

// closeEvent closes the event, unless the driver may still set it.
func (m *waveMic) closeEvent() {
	if !m.kept {
		_ = windows.CloseHandle(m.event)
	}
}

// pump takes sound out of the buffers as they are filled and returns them, until
// it is to stop or there is no more.
func (m *waveMic) pump() {
	defer close(m.ended)
	defer m.end()
	next, silence := 0, waveFirst
	for {
		r, err := windows.WaitForSingleObject(m.event, uint32(silence.Milliseconds()))
		switch {
		case m.stop.Load():
			return
		case err != nil:
			m.fail(os.NewSyscallError("WaitForSingleObject", err))
			return
		case r == uint32(windows.WAIT_TIMEOUT):
			m.fail(fmt.Errorf("%w for %v", errMute, silence))
			return
		}
		n, e := m.take(next, time.Now())
		if e != 0 {
			m.fail(e)
			return
		}
		if n > 0 {
			next, silence = (next+n)%waveBuffers, waveSilence
		}
	}
}

// take takes what is filled, from buffer number next on, and returns how many
// buffers that were. The last of them was filled at now.
func (m *waveMic) take(next int, now time.Time) (int, waveError) {
	n := 0
	for n < waveBuffers && atomic.LoadUint32(&m.memory.headers[(next+n)%waveBuffers].flags)&waveHeaderDone != 0 {
		n++
	}
	var c media.Chunk
	for i := range n {
		at := (next + i) % waveBuffers
		c.PCM, c.At = m.memory.pcm[at], now.Add(-time.Duration(n-i)*media.ChunkTime)
		clear(c.PCM[min(m.memory.headers[at].valid/2, media.ChunkSamples):])
		m.put(&c)
		if e := m.header(waveInAddBuffer, at); e != 0 {
			return i, e
		}
	}
	return n, 0
}

// Close unblocks ReadChunk and waits until the device is closed.
func (m *waveMic) Close() error {
	m.fail(os.ErrClosed)
	m.closing.Do(func() {
		m.stop.Store(true)
		_ = windows.SetEvent(m.event)
		<-m.ended
		m.closeEvent()
	})
	return nil
}
