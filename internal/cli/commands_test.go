package cli

import (
	"io"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/sanix-darker/s2c/internal/command"
)

// all returns the commands up to the end of the input, one per line.
func all(c *commands) (lines []string) {
	for line := range c.lines {
		if line.Err != nil {
			lines = append(lines, "error: "+line.Err.Error())
			continue
		}
		lines = append(lines, line.Text)
	}
	return lines
}

func TestReadCommands(t *testing.T) {
	long := strings.Repeat("x", command.MaxLine)
	for _, test := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"\n\r\n  \n", nil},
		{"lock\n", []string{"lock"}},
		{"lock", []string{"lock"}},
		{"lock\r\n say  a b \nleave", []string{"lock", "say  a b", "leave"}},
		{long[1:] + "\nlock\n", []string{long[1:], "lock"}},
		{long + "\nlock\n", []string{"error: a command has at most 4096 bytes", "lock"}},
		{strings.Repeat(long, 3) + "\nlock\n", []string{"error: a command has at most 4096 bytes", "lock"}},
		{strings.Repeat(long, 3), []string{"error: a command has at most 4096 bytes"}},
	} {
		c := readCommands(strings.NewReader(test.in))
		if got := all(c); !reflect.DeepEqual(got, test.want) {
			t.Errorf("from %.40q (%d bytes) came %.80q, want %.80q", test.in, len(test.in), got, test.want)
		}
		c.close()
	}
}

// TestReadCommandsFile reads from a file that somebody else keeps open, as a
// shell does with its terminal: the reading must end all the same, whether there
// is something to read, and whether somebody takes it, or not.
func TestReadCommandsFile(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, _, ok := interruptible(r); !ok {
		t.Skip("reading cannot be interrupted on this system")
	}
	readCommands(r).close()
	c := readCommands(r)
	if _, err := io.WriteString(w, "lock\nunlock\n"); err != nil {
		t.Fatal(err)
	}
	if got := <-c.lines; got.Text != "lock" {
		t.Errorf("the first command is %+v, want lock", got)
	}
	c.close() // with a command that nobody takes
	if _, err := io.WriteString(w, "leave\n"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	if n, err := r.Read(b); err != nil || string(b[:n]) != "leave\n" {
		t.Errorf("what came after the end is %q, %v; want leave, untouched", b[:n], err)
	}
	c = readCommands(r)
	w.Close()
	if got := all(c); got != nil {
		t.Errorf("after the end of the input came %q", got)
	}
	c.close()
}
