package device

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// What mmeapi.h has.
const (
	waveMapper     = 0xffffffff // the system's choice
	waveFormatPCM  = 1
	waveMapped     = 0x4 // what is given is to be converted
	callbackEvent  = 0x50000
	waveHeaderDone = 0x1
	preferredGet   = 0x2015 // DRVM_MAPPER_PREFERRED_GET
)

var (
	winmm                 = windows.NewLazySystemDLL("winmm.dll")
	waveInGetNumDevs      = winmm.NewProc("waveInGetNumDevs")
	waveInGetDevCaps      = winmm.NewProc("waveInGetDevCapsW")
	waveInMessage         = winmm.NewProc("waveInMessage")
	waveInOpen            = winmm.NewProc("waveInOpen")
	waveInPrepareHeader   = winmm.NewProc("waveInPrepareHeader")
	waveInAddBuffer       = winmm.NewProc("waveInAddBuffer")
	waveInStart           = winmm.NewProc("waveInStart")
	waveInReset           = winmm.NewProc("waveInReset")
	waveInUnprepareHeader = winmm.NewProc("waveInUnprepareHeader")
	waveInClose           = winmm.NewProc("waveInClose")
)

// A waveFormat is a WAVEFORMATEX.
type waveFormat struct {
	tag, channels         uint16
	rate, bytesPerSecond  uint32
	align, bits, extraLen uint16
}

// A waveHeader is a WAVEHDR: a buffer that Windows fills.
type waveHeader struct {
	data        uintptr
	size, valid uint32 // bytes
	user        uintptr
	flags       uint32 // set by a thread of Windows
	loops       uint32
	next, spare uintptr
}

// A waveCaps is a WAVEINCAPSW.
type waveCaps struct {
	maker, product uint16
	version        uint32
	name           [waveNameLen + 1]uint16 // with a final zero
	formats        uint32
	channels, _    uint16
}

// A waveError is an MMRESULT, and zero is none.
type waveError uint32

// Those that a person can do something about.
const (
	waveRefused   waveError = 1 // so it is when Windows forbids microphones
	waveBadDevice waveError = 2
	waveDisabled  waveError = 3
	waveAllocated waveError = 4
	waveNoDriver  waveError = 6
	waveNoMemory  waveError = 7
	waveBadFormat waveError = 32
)

// Error implements error.
func (e waveError) Error() string {
	switch e {
	case waveRefused, waveDisabled:
		return "Windows refuses it"
	case waveBadDevice:
		return ErrNoDevice.Error()
	case waveAllocated:
		return "another program has it for itself"
	case waveNoDriver:
		return "it has no driver, or was pulled out"
	case waveNoMemory:
		return "there is no memory for it"
	case waveBadFormat:
		return "it does not give 48 kHz in mono"
	}
	return fmt.Sprintf("Windows refuses it with error %d of its multimedia functions", uint32(e))
}

// Is has hints given as for the same faults on other systems.
func (e waveError) Is(target error) bool {
	switch target {
	case errForbidden:
		return e == waveRefused || e == waveDisabled
	case ErrNoDevice:
		return e == waveBadDevice
	case syscall.EBUSY:
		return e == waveAllocated
	case syscall.ENODEV:
		return e == waveNoDriver
	case errByFFmpeg:
		return e > waveNoMemory
	}
	return false
}

// wave calls a function that returns an MMRESULT.
//
//go:uintptrescapes
func wave(f *windows.LazyProc, args ...uintptr) error {
	if err := f.Find(); err != nil {
		return err
	}
	if r, _, _ := f.Call(args...); r != 0 {
		return waveError(r)
	}
	return nil
}

// waveNames returns the microphones of this machine, by their numbers, and the
// number of the one that is the system's choice.
func waveNames() (names []string, preferred int, err error) {
	n, err := waveCount()
	for i := range n {
		var c waveCaps
		// One that has just been pulled out has no name, and the others keep theirs.
		_ = wave(waveInGetDevCaps, i, uintptr(unsafe.Pointer(&c)), unsafe.Sizeof(c))
		names = append(names, waveName(c.name[:]))
	}
	var id, flags uint32
	if err == nil && wave(waveInMessage, waveMapper, preferredGet, uintptr(unsafe.Pointer(&id)), uintptr(unsafe.Pointer(&flags))) == nil && id < uint32(n) {
		preferred = int(id)
	}
	return names, preferred, err
}

// waveCount returns how many microphones this machine has.
func waveCount() (uintptr, error) {
	if err := waveInGetNumDevs.Find(); err != nil {
		return 0, err
	}
	n, _, _ := waveInGetNumDevs.Call()
	return n, nil
}
