//go:build unix

package cli_test

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sanix-darker/s2c/internal/lab/person"
)

// TestServerRereadsKeys sends SIGHUP to this process, in which a server runs
// below a context that SIGHUP ends, as main has one.
func TestServerRereadsKeys(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "keys")
	write := func(format string, args ...any) {
		t.Helper()
		if err := os.WriteFile(path, fmt.Appendf(nil, format, args...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fp := func(who int) string { return person.Identity(t, who).Fingerprint().String() }
	hangups := 0
	hangup := func(s *server, pattern string) {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		hangups++
		s.await(fmt.Sprintf(`(?s)(?:list of keys .*?){%d}`, hangups))
		s.await(pattern)
	}

	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	const denied = "not on this hub's list"
	write("%s ann\n", fp(1))
	s := startServer(ctx, t, dir, "--authorized-keys", path)
	s.await(`keys on the list: 1`)
	s.wantAnswer(1, nil, "")
	s.wantAnswer(2, nil, denied)

	write("# two\n%s ann\nsession=\"room\" %s\nsession=\"other\" %s\n", fp(1), person.Identity(t, 2).PublicLine("bob"), fp(3))
	s.wantAnswer(2, nil, denied) // not before the signal
	hangup(s, `list of keys read again" keys=3`)
	s.wantAnswer(1, nil, "")
	s.wantAnswer(2, nil, "")
	s.wantAnswer(3, nil, "not for this session")

	const stands = `the old one stands" err=".*`
	for _, bad := range []struct{ contents, pattern string }{
		{fp(5) + "\nssh-ed25519 AAAA carl\n", stands + `line 2: `},
		{"# nobody\n", stands + `nobody is on it`},
	} {
		write("%s", bad.contents)
		hangup(s, bad.pattern)
		s.wantAnswer(2, nil, "")
		s.wantAnswer(5, nil, denied)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	hangup(s, stands+`others may write it`)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	hangup(s, stands+`no such file`)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	hangup(s, stands+`not a regular file`) // nor does it wait for a writer
	s.wantAnswer(2, nil, "")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write("%s\n", fp(5))
	hangup(s, `list of keys read again" keys=1`)
	s.wantAnswer(2, nil, denied)
	s.wantAnswer(5, nil, "")
	if ctx.Err() != nil {
		t.Error("SIGHUP ended the server's context")
	}
	s.end()
}
