package pulse

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/jfreymuth/pulse/proto"
)

// message returns a message of the protocol.
func message(channel uint32, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = binary.BigEndian.AppendUint32(b, channel)
	b = append(b, make([]byte, headerSize-8)...)
	return append(b, body...)
}

// command returns a command with no arguments but those given.
func command(op uint32, args ...byte) []byte {
	body := binary.BigEndian.AppendUint32([]byte{'L'}, op)
	body = append(body, 'L', 0xff, 0xff, 0xff, 0xff)
	return message(commandChannel, append(body, args...))
}

// uint32Arg returns an argument of a command.
func uint32Arg(v uint32) []byte { return binary.BigEndian.AppendUint32([]byte{'L'}, v) }

// readConn is a connection that yields what r does and swallows what is sent.
type readConn struct {
	net.Conn
	r io.Reader
}

func (c readConn) Read(p []byte) (int, error)  { return c.r.Read(p) }
func (c readConn) Write(p []byte) (int, error) { return len(p), nil }
func (c readConn) Close() error                { return nil }

func TestLink(t *testing.T) {
	sound := message(3, []byte{1, 2, 3, 4})
	known := command(proto.OpUnderflow, uint32Arg(3)...)
	tests := []struct {
		name string
		in   [][]byte
		want [][]byte
		err  string
	}{
		{"nothing", nil, nil, "EOF"},
		{"sound", [][]byte{sound}, [][]byte{sound}, "EOF"},
		{"empty sound", [][]byte{message(3, nil)}, [][]byte{message(3, nil)}, "EOF"},
		{"known command", [][]byte{known}, [][]byte{known}, "EOF"},
		{"unknown command", [][]byte{sound, command(1000, 1, 2, 3), known}, [][]byte{sound, known}, "EOF"},
		{"command of no use", [][]byte{command(proto.OpStarted, uint32Arg(3)...), known}, [][]byte{known}, "EOF"},
		{"short command", [][]byte{message(commandChannel, []byte{'L', 0, 0, 0, 2}), sound}, [][]byte{sound}, "EOF"},
		{"half a header", [][]byte{sound, sound[:7]}, [][]byte{sound}, "EOF"},
		{"half a message", [][]byte{sound, known[:len(known)-1]}, [][]byte{sound}, "unexpected EOF"},
		{"too long", [][]byte{{0x7f, 0xff, 0xff, 0xff}, make([]byte, 16)}, nil, "message of 2147483647 bytes"},
	}
	for _, tt := range tests {
		var reasons []string
		in := readConn{r: bytes.NewReader(bytes.Join(tt.in, nil))}
		l := newLink(in, func(err error) { reasons = append(reasons, err.Error()) })
		got, err := io.ReadAll(io.MultiReader(errReader{l}))
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && err.Error() != tt.err {
			t.Errorf("%s: error %v, want %s", tt.name, err, tt.err)
		}
		if want := bytes.Join(tt.want, nil); !bytes.Equal(got, want) {
			t.Errorf("%s: the library sees %x, want %x", tt.name, got, want)
		}
		_, again := l.Read(make([]byte, 1)) // the library goes on after an error
		if len(reasons) != 1 || reasons[0] != tt.err || again == nil {
			t.Errorf("%s: told the owner %q, want %q once; then %v", tt.name, reasons, tt.err, again)
		}
		select {
		case <-l.done:
		default:
			t.Errorf("%s: done is not closed", tt.name)
		}
	}
}

// errReader reads in small steps.
type errReader struct{ r io.Reader }

func (e errReader) Read(p []byte) (int, error) { return e.r.Read(p[:min(len(p), 3)]) }

// FuzzLink makes sure that a link passes whole messages of the right kinds on,
// in order, whatever comes.
func FuzzLink(f *testing.F) {
	f.Add(message(3, []byte{1, 2}))
	f.Add(command(1000))
	f.Add(append(command(proto.OpReply, 'P'), command(proto.OpError)...))
	f.Fuzz(func(t *testing.T, in []byte) {
		l := newLink(readConn{r: bytes.NewReader(in)}, func(error) {})
		got, _ := io.ReadAll(l)
		for rest := in; len(got) > 0; {
			if len(rest) < headerSize {
				t.Fatalf("%x was not in %x", got, in)
			}
			n := headerSize + int(binary.BigEndian.Uint32(rest))
			if wanted(rest[:n]) {
				if !bytes.HasPrefix(got, rest[:n]) {
					t.Fatalf("%x: got %x, want %x next", in, got, rest[:n])
				}
				got = got[n:]
			}
			rest = rest[n:]
		}
	})
}

// TestLinkWriteFails checks that the library outlives a connection that takes
// nothing any more: it is told nothing, and the link ends.
func TestLinkWriteFails(t *testing.T) {
	ours, theirs := net.Pipe()
	ended := make(chan error, 1)
	l := newLink(ours, func(err error) { ended <- err })
	theirs.Close()
	c := &proto.Client{}
	c.Open(l)
	for i := range 200 {
		if n, err := l.Write(make([]byte, 30)); n != 30 || err != nil {
			t.Fatalf("write %d: %d, %v", i, n, err)
		}
		_ = c.Send(0, make([]byte, pieceSize)) // the library knows the end, or does not yet
	}
	<-ended
}
