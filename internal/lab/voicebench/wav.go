package main

import (
	"encoding/binary"
	"os"

	"github.com/sanix-darker/s2c/internal/media"
)

// writeWAV writes 16 bits, mono, 48 kHz.
func writeWAV(name string, pcm []int16) error {
	le := binary.LittleEndian
	size := uint32(2 * len(pcm))
	b := append([]byte("RIFF"), le.AppendUint32(nil, 36+size)...)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, 1) // PCM
	b = le.AppendUint16(b, 1) // channel
	b = le.AppendUint32(b, media.SampleRate)
	b = le.AppendUint32(b, 2*media.SampleRate)
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = le.AppendUint32(b, size)
	return os.WriteFile(name, append(b, raw(pcm)...), 0o644)
}
