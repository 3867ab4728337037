package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
)

// all returns the commands up to the end of the input, one per line.
func all(c *commands) (lines []string) {
	for line := range c.lines {
		if line.err != nil {
			lines = append(lines, "error: "+line.err.Error())
			continue
		}
		lines = append(lines, line.line)
	}
	return lines
}

func TestReadCommands(t *testing.T) {
	long := strings.Repeat("x", maxCommand)
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
	if got := <-c.lines; got.line != "lock" {
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

func TestObeyUsage(t *testing.T) {
	for line, want := range map[string]string{
		"dance":           `unknown command "dance"`,
		"Say hello":       `unknown command "Say"`,
		"\x1b[2J":         `unknown command "\x1b[2J"`,
		"say":             "usage: say TEXT",
		"lock it":         "usage: lock",
		"admit":           "usage: admit SLOT|NAME",
		"camera":          "usage: camera on|off",
		"camera on off":   `camera: "on off" is neither on nor off`,
		"leave now":       "usage: leave",
		"volume":          "usage: volume DB SLOT|NAME",
		"volume loud ann": `volume: "loud" is no number of dB from -40 to 12`,
		"volume NaN ann":  `volume: "NaN" is no number of dB from -40 to 12`,
		"volume 99 ann":   `volume: "99" is no number of dB from -40 to 12`,
		"verify everyone": "usage: verify",
	} {
		if err := obey(nil, line); err == nil || err.Error() != want {
			t.Errorf("obey(%q) = %v, want %s", line, err, want)
		}
	}
	if err := obey(nil, "leave"); !errors.Is(err, errLeave) {
		t.Errorf("obey(leave) = %v, want %v", err, errLeave)
	}
}

func TestTo(t *testing.T) {
	list := []somebody{{0, "ann"}, {1, "Bo Vine"}, {2, ""}, {3, "1"}, {4, "twin"}, {7, "TWIN"}, {9, "12"}}
	for _, test := range []struct{ who, want string }{
		{"ann", "0"},
		{"bo vine", "1"},
		{"2", "2"},
		{"1", "1"},
		{"12", "9"},
		{"7", "7"},
		{"twin", `2 are called "twin"; give the slot`},
		{"5", `nobody in slot or called "5" is here`},
		{"65536", `nobody in slot or called "65536" is here`},
		{"-1", `nobody in slot or called "-1" is here`},
		{"carl", `nobody in slot or called "carl" is here`},
	} {
		got := ""
		if err := to(test.who, list, "is here", func(slot uint16) bool { got = fmt.Sprint(slot); return true }); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("to(%q) is %s, want %s", test.who, got, test.want)
		}
	}
	if err := to("ann", list, "is here", func(uint16) bool { return false }); err == nil {
		t.Error("to somebody who has just gone is no error")
	}
}
