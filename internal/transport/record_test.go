package transport

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestParseRecord(t *testing.T) {
	tests := []struct {
		name     string
		in       []byte
		wantKind byte
		wantBody string
		wantN    int
		wantErr  error
	}{
		{"nothing", nil, 0, "", 0, nil},
		{"half a head", []byte{recordMessage, 0}, 0, "", 0, nil},
		{"half a body", []byte{recordMessage, 0, 2, 'a'}, 0, "", 0, nil},
		{"message", []byte{recordMessage, 0, 2, 'a', 'b', 'c'}, recordMessage, "ab", 5, nil},
		{"empty datagram", []byte{recordDatagram, 0, 0}, recordDatagram, "", 3, nil},
		{"unknown kind", []byte{6, 0, 0}, 0, "", 0, errRecord},
		{"kind 0", []byte{0, 0, 0}, 0, "", 0, errRecord},
		{"message of 4097", []byte{recordMessage, 0x10, 0x01}, 0, "", 0, errRecord},
		{"datagram of 1169", []byte{recordDatagram, 0x04, 0x91}, 0, "", 0, errRecord},
		{"hello of 5", []byte{recordHello, 0, 5}, 0, "", 0, errRecord},
		{"ping of 9", []byte{recordPing, 0, 9}, 0, "", 0, errRecord},
		{"pong of 7", []byte{recordPong, 0, 7}, 0, "", 0, errRecord},
	}
	for _, tt := range tests {
		kind, body, n, err := parseRecord(tt.in)
		if kind != tt.wantKind || string(body) != tt.wantBody || n != tt.wantN || !errors.Is(err, tt.wantErr) {
			t.Errorf("%s: parseRecord(%x) = %d, %q, %d, %v, want %d, %q, %d, %v",
				tt.name, tt.in, kind, body, n, err, tt.wantKind, tt.wantBody, tt.wantN, tt.wantErr)
		}
	}
}

func TestSizes(t *testing.T) {
	if MaxDatagram != 1168 || MaxMessage != 4096 {
		t.Errorf("MaxDatagram, MaxMessage = %d, %d, want 1168, 4096", MaxDatagram, MaxMessage)
	}
	for kind, most := range map[byte]int{recordMessage: MaxMessage, recordDatagram: MaxDatagram} {
		b := appendRecord(nil, kind, make([]byte, most))
		if _, body, _, err := parseRecord(b); err != nil || len(body) != most {
			t.Errorf("record of kind %d with %d bytes: %d, %v", kind, most, len(body), err)
		}
	}
}

// However the stream is cut, the same records come out, and its end is io.EOF
// between two of them only.
func TestRecordReader(t *testing.T) {
	var stream []byte
	var want [][]byte
	for i := range 20 {
		body := bytes.Repeat([]byte{byte(i)}, i*i*i*3%(MaxMessage+1))
		want = append(want, body)
		stream = appendRecord(stream, recordMessage, body)
	}
	readers := map[string]func(io.Reader) io.Reader{
		"whole":      func(r io.Reader) io.Reader { return r },
		"bytes":      iotest.OneByteReader,
		"halves":     iotest.HalfReader,
		"with error": iotest.DataErrReader,
	}
	for name, wrap := range readers {
		r := recordReader{r: wrap(bytes.NewReader(stream))}
		for i, w := range want {
			kind, body, err := r.next()
			if err != nil || kind != recordMessage || !bytes.Equal(body, w) {
				t.Fatalf("%s: record %d is kind %d, %d bytes, %v; want %d bytes", name, i, kind, len(body), err, len(w))
			}
		}
		if _, _, err := r.next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: at the end %v, want %v", name, err, io.EOF)
		}
	}
	r := recordReader{r: bytes.NewReader(stream[:len(stream)-1])}
	var err error
	for err == nil {
		_, _, err = r.next()
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut short: %v, want %v", err, io.ErrUnexpectedEOF)
	}
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{recordHello, 0, 4, 1, 2, 3, 4})
	f.Add([]byte{recordMessage, 0, 2, 'a', 'b', recordPing, 0})
	f.Add(appendRecord(nil, recordDatagram, make([]byte, MaxDatagram)))
	f.Add([]byte{recordMessage, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, body, n, err := parseRecord(b)
		if n == 0 || err != nil {
			return
		}
		if got := appendRecord(nil, kind, body); !bytes.Equal(got, b[:n]) {
			t.Errorf("parseRecord(%x) encodes as %x", b[:n], got)
		}
	})
}

// A reader has room for as much as comes, and gives it back.
func TestRecordRoom(t *testing.T) {
	var stream []byte
	for _, n := range []int{8, MaxMessage, 0, MaxMessage, MaxMessage, 3} {
		stream = appendRecord(stream, recordMessage, bytes.Repeat([]byte{byte(n)}, n))
	}
	r := recordReader{r: bytes.NewReader(stream)}
	for _, n := range []int{8, MaxMessage, 0, MaxMessage, MaxMessage, 3} {
		_, body, err := r.next()
		if err != nil || !bytes.Equal(body, bytes.Repeat([]byte{byte(n)}, n)) {
			t.Fatalf("%d bytes, %v, want %d", len(body), err, n)
		}
		r.shrink()
		if empty := r.start == r.end; empty && len(r.buf) > leastRoom || len(r.buf) > mostRoom {
			t.Errorf("room for %d bytes, empty is %v", len(r.buf), empty)
		}
	}
}
