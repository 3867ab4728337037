package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/person"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/lab/screen"
)

// TestPassphraseQuestion types passphrases into a terminal, which must not show
// them and must be as before afterwards.
func TestPassphraseQuestion(t *testing.T) {
	lab.Need(t, screen.Available())
	s2c, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s2c.Dir, "config"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s2c.Dir, "config", "identity"), person.PEM(t, 0), 0o600); err != nil {
		t.Fatal(err)
	}
	const (
		join     = "join -k -s room -c ann --camera none --mic none --speaker none"
		question = "passphrase of the session (empty: make one up): "
		secret   = "volcano"
	)
	for _, test := range []struct {
		name, args, question string
		secret               bool   // is typed
		keys                 string // are pressed then
		want                 string // on the screen then
	}{
		{"typed", join, question, true, "Enter", `s2c join -k -s room -c NAME \S+:\d+`},
		{"made up", join, question, false, "Enter", `s2c join -k -s room -c NAME \S+:\d+ +passphrase: [a-z]{3,5}-[a-z]{3,5}-[a-z]{3,5}`},
		{"ctrl-c", join, question, true, "C-c", `status 130\s+the same`},
		{"ctrl-d", "key protect", "new passphrase of ", true, "C-u C-d", `status 130\s+the same`},
	} {
		t.Run(test.name, func(t *testing.T) {
			script := `cd ` + t.TempDir() + `; stty -a >before; ` + s2c.Exe + ` ` + test.args +
				`; echo "status $?"; stty -a >after; cmp before after && echo the same; exec sleep 60`
			s, err := screen.Start(t.Context(), 100, 30, s2c.Env(), "sh", "-c", script)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if g, err := s.WaitText(strings.TrimSpace(test.question), 10*time.Second); err != nil {
				t.Fatalf("no question: %v\n%s", err, g.Text())
			}
			if test.secret {
				if err := s.Type(secret); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Keys(strings.Fields(test.keys)...); err != nil {
				t.Fatal(err)
			}
			shown := false
			want := regexp.MustCompile(test.want)
			g, err := s.WaitFor(func(g screen.Grid) bool {
				shown = shown || strings.Contains(g.Text(), secret)
				return want.MatchString(g.Text())
			}, 10*time.Second)
			if err != nil || shown {
				t.Errorf("the screen shows, the passphrase %v, nothing like %s: %v\n%s", shown, test.want, err, g.Text())
			}
		})
	}
}
