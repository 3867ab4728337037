package cli_test

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/lab/screen"
)

// TestHubIsKilled makes sure that who is in a call is told when the hub dies, may
// leave, and has the terminal as it was.
func TestHubIsKilled(t *testing.T) {
	lab.Need(t, screen.Available())
	s2c, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	hub, err := s2c.Hub(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hub.End()
	script := `cd ` + t.TempDir() + `; echo before; stty -a >before
` + s2c.Exe + ` join -s room -c ann --camera test --mic none --speaker none ` + hub.Addr + ` 2>words
echo "status $?"; stty -a >after; cmp before after && echo the same; exec sleep 60`
	s, err := screen.Start(t.Context(), 80, 24, s2c.Env(), "sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.WaitText("nobody else is here", 20*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := hub.Cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WaitText("reconnecting", 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := s.Keys("q"); err != nil {
		t.Fatal(err)
	}
	g, err := s.WaitText("the same", 10*time.Second)
	if got, want := strings.TrimSpace(g.Text()), "before\nstatus 0\nthe same"; err != nil || got != want {
		t.Errorf("the screen shows\n%s\nwant\n%s (%v)", got, want, err)
	}
}

// TestTerminalIsGone closes the terminal of a member, as an ssh connection that ends
// does: the others see that the member leaves, not that the connection broke.
func TestTerminalIsGone(t *testing.T) {
	lab.Need(t, screen.Available())
	s2c, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	hub, err := s2c.Hub(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hub.End()
	events := make(chan string, 100)
	bo, err := s2c.Start(t.Context(), []string{"S2C_CONFIG=" + t.TempDir()}, func(r io.Reader) {
		defer close(events)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			var e struct{ Event string }
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				events <- e.Event
			}
		}
	}, "join", "-s", "room", "-c", "bo", "--camera", "none", "--mic", "none", "--speaker", "none", "--headless", hub.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer bo.End()
	// until returns what happens up to an event, which may be one of two.
	until := func(one, other string) (all []string) {
		t.Helper()
		late := time.After(20 * time.Second)
		for {
			select {
			case e := <-events:
				if all = append(all, e); e == one || e == other {
					return all
				}
			case <-late:
				t.Fatalf("neither %s nor %s, but %q", one, other, all)
			}
		}
	}
	until("welcome", "")
	s, err := screen.Start(t.Context(), 80, 24, s2c.Env(), s2c.Exe, "join", "-s", "room", "-c", "ann", "--camera", "test", "--mic", "none", "--speaker", "none", hub.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	until("joined", "")
	if _, err := s.WaitText("2 people", 20*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if all := until("left", "away"); all[len(all)-1] != "left" {
		t.Errorf("bo sees %q, want that ann leaves", all)
	}
}
