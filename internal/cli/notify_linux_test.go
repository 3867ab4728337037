package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sanix-darker/s2c/internal/call"
)

// TestHook checks what a program is told, and that it holds up nobody.
func TestHook(t *testing.T) {
	dir := t.TempDir()
	out, script := filepath.Join(dir, "out"), filepath.Join(dir, "script")
	t.Setenv(envPass, "secret")
	text := "#!/bin/sh\nread wait <" + filepath.Join(dir, "fifo") + "\n" + `echo "$1 $S2C_EVENT|$S2C_NAME|$S2C_TEXT|$S2C_PASS|" >>` + out + "\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	h := startHook(ctx, script+" word")
	h.notices <- call.Notice{Kind: call.ChatLine, Name: "an\x1bna", Text: "hello \x1b]52;c;x\x07$(id)"}
	h.tell(call.Notice{Kind: call.ChatLine, Name: "bo", Text: "while it runs"}) // lost
	if err := os.WriteFile(filepath.Join(dir, "fifo"), []byte("go\n"), 0); err != nil {
		t.Fatal(err)
	}
	h.notices <- call.Notice{Kind: call.MemberJoined, Name: "carol"} // once the first is done
	cancel()
	h.done.Wait()
	b, err := os.ReadFile(out)
	if err != nil || string(b) != "word chat|anna|hello ]52;c;x$(id)||\n" {
		t.Errorf("the program was told %q, %v", b, err)
	}
}

// TestHookCommand checks what is said of a program that cannot be run.
func TestHookCommand(t *testing.T) {
	for command, want := range map[string]string{" ": "names no program", "/no/such/program x": "no such file", "sh -c true": ""} {
		err := checkHook(command)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", command, err, want)
		}
	}
	if got := withoutSecrets([]string{"A=b", "S2C_PASS=x", "S2C_KEY_PASS=y", "S2C_DOOR=z", "S2C_LOOK=half"}); !slices.Equal(got, []string{"A=b", "S2C_LOOK=half"}) {
		t.Errorf("without secrets: %q", got)
	}
}
