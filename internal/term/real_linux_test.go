package term

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	xterm "golang.org/x/term"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/screen"
)

// realEnv makes the test binary a program that asks its terminal.
const realEnv = "S2C_TERM_TEST_ASK"

func TestMain(m *testing.M) {
	if os.Getenv(realEnv) != "" {
		if err := realMain(); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// realMain is that program: it prints what Ask says, how long that took,
// whether the terminal is as before, which bytes come in afterwards, and what
// the terminal says of mode 2026 when it is asked for that alone.
func realMain() error {
	fmt.Print("before ")
	was, err := xterm.GetState(stdin)
	if err != nil {
		return err
	}
	begin := time.Now()
	i := Ask(os.Getenv)
	took := time.Since(begin)
	is, err := xterm.GetState(stdin)
	if err != nil {
		return err
	}
	if _, err := xterm.MakeRaw(stdin); err != nil {
		return err
	}
	defer func() { _ = xterm.Restore(stdin, was) }()
	stray, err := typed(300 * time.Millisecond)
	if err != nil {
		return err
	}
	fmt.Print("\x1b[?2026$p")
	sync, err := typed(300 * time.Millisecond)
	if err != nil {
		return err
	}
	fmt.Printf("after\r\n%+v\r\nsame state %v\r\nstray %q\r\n2026 %q\r\ntook %.1f ms\r\ndone\r\n",
		i, *is == *was, stray, sync, float64(took.Microseconds())/1000)
	return nil
}

// typed returns what comes in until nothing has for d.
func typed(d time.Duration) (string, error) {
	var all []byte
	for {
		var ready unix.FdSet
		ready.Set(stdin)
		left := unix.NsecToTimeval(d.Nanoseconds())
		switch n, err := unix.Select(1, &ready, nil, nil, &left); {
		case err == unix.EINTR:
			continue
		case err != nil || n == 0:
			return string(all), err
		}
		b := make([]byte, 256)
		n, err := unix.Read(stdin, b)
		if err != nil {
			return string(all), err
		}
		all = append(all, b[:n]...)
	}
}

// TestInTmux asks a real tmux.
func TestInTmux(t *testing.T) {
	lab.Need(t, screen.Available())
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		env  string
		want ascii.Colors
	}{
		{"COLORTERM=truecolor", ascii.ColorsTrue},
		{"COLORTERM=", ascii.Colors256},
	} {
		t.Run(tt.env, func(t *testing.T) {
			s, err := screen.Start(t.Context(), 150, 12, []string{realEnv + "=1", tt.env, "NO_COLOR=", "SSH_TTY=", "SSH_CONNECTION="}, exe)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			g, err := s.WaitText("done", 20*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(g.Text(), "\n")
			t.Log(strings.TrimSpace(g.Text()))
			for _, want := range []string{"before after", "same state true", `stray ""`} {
				if !slices.Contains(lines, want) {
					t.Errorf("the screen lacks the line %q", want)
				}
			}
			sync := strings.Contains(g.Text(), `2026 "\x1b[?2026;1$y"`) || strings.Contains(g.Text(), `2026 "\x1b[?2026;2$y"`)
			for _, want := range []string{
				"Name:tmux ", "Version:", "Colors:" + tt.want.String() + " ", "Blocks:true Sextants:false Octants:false ",
				fmt.Sprintf("Sync:%v ", sync), "Remote:false}",
			} {
				if !strings.Contains(g.Text(), want) {
					t.Errorf("the screen lacks %q", want)
				}
			}
			if strings.Contains(g.Text(), "Version: ") {
				t.Error("tmux has no version")
			}
		})
	}
}
