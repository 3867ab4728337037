package cli_test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/cli"
	"github.com/sanix-darker/s2c/internal/wire"
)

// runCommand runs a command that ends by itself, and returns its exit code and what
// it printed on standard error, or else on standard output.
func runCommand(t *testing.T, env map[string]string, args ...string) (code int, text string) {
	t.Helper()
	var out, errs output
	code = cli.Main(t.Context(), cli.Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(name string) string { return env[name] },
	})
	if text = errs.String(); text == "" {
		text = out.String()
	}
	return code, text
}

// TestServerVariables gives each flag of the server a value that cannot work,
// in the environment and then on the command line.
func TestServerVariables(t *testing.T) {
	const usage, failed = 2, 1
	dir := t.TempDir()
	tests := []struct {
		flag, variable, value string
		code                  int
		want                  string // after "s2c: error: "
	}{
		{"port", "S2C_PORT", "x", usage, `S2C_PORT="x" is no number`},
		{"port", "S2C_PORT", "70000", usage, "S2C_PORT: port 70000 is not between 1 and 65535"},
		{"port", "S2C_PORT", "-1", usage, "S2C_PORT: port -1 is not between"},
		{"address", "S2C_ADDRESS", "192.0.2.1", failed, `listen on "192.0.2.1:1122": `},
		{"tcp", "S2C_TCP", "maybe", usage, "S2C_TCP is neither true nor false"},
		{"max-members", "S2C_MAX_MEMBERS", "many", usage, `S2C_MAX_MEMBERS="many" is no number`},
		{"max-members", "S2C_MAX_MEMBERS", "-1", usage, "S2C_MAX_MEMBERS: --max-members -1 is not between 1 and 1000000"},
		{"max-session", "S2C_MAX_SESSION", "-1", usage, "S2C_MAX_SESSION: --max-session -1 is not"},
		{"max-sessions", "S2C_MAX_SESSIONS", "1000001", usage, "S2C_MAX_SESSIONS: --max-sessions 1000001 is not"},
		{"max-members-per-address", "S2C_MAX_MEMBERS_PER_ADDRESS", "1e3", usage, `S2C_MAX_MEMBERS_PER_ADDRESS="1e3" is no number`},
		{"max-joins-per-minute", "S2C_MAX_JOINS_PER_MINUTE", "1e3", usage, `S2C_MAX_JOINS_PER_MINUTE="1e3" is no number`},
		{"max-handshakes", "S2C_MAX_HANDSHAKES", "1e3", usage, `S2C_MAX_HANDSHAKES="1e3" is no number`},
		{"max-handshakes-per-address", "S2C_MAX_HANDSHAKES_PER_ADDRESS", "-2", usage, "S2C_MAX_HANDSHAKES_PER_ADDRESS: --max-handshakes-per-address -2 is not"},
		{"authorized-keys", "S2C_AUTHORIZED_KEYS", filepath.Join(dir, "none"), failed, "authorized keys "},
		{"door", "S2C_HUB_DOOR", "abcde-fghij-klmno-pqrst-uvwxya", usage, "S2C_HUB_DOOR is neither true nor false"},
		{"new-door", "S2C_NEW_DOOR", "maybe", usage, "S2C_NEW_DOOR is neither true nor false"},
		{"drain", "S2C_DRAIN", "10", usage, `S2C_DRAIN="10" is no duration such as 90s or 10m`},
		{"drain", "S2C_DRAIN", "-1s", usage, "S2C_DRAIN: --drain -1s is less than no time"},
		{"metrics", "S2C_METRICS", "70000", usage, `S2C_METRICS: metrics address "70000" is neither a port nor host:port`},
		{"metrics", "S2C_METRICS", "localhost", usage, `S2C_METRICS: metrics address "localhost" is neither`},
		{"metrics", "S2C_METRICS", "localhost:http", usage, `S2C_METRICS: metrics address "localhost:http" is neither`},
		{"metrics", "S2C_METRICS", "::1:80", usage, `S2C_METRICS: metrics address "::1:80" is neither`},
		{"log-format", "S2C_LOG_FORMAT", "xml", usage, `S2C_LOG_FORMAT: unknown format of the log "xml"`},
		{"verbose", "S2C_VERBOSE", "very", usage, "S2C_VERBOSE is neither true nor false"},
	}
	tried := []string{"help"}
	for _, tt := range tests {
		tried = append(tried, tt.flag)
		code, text := runCommand(t, map[string]string{"S2C_STATE": dir, tt.variable: tt.value}, "server")
		if code != tt.code || !strings.HasPrefix(text, "s2c: error: "+tt.want) {
			t.Errorf("%s=%s: exit code %d, want %d: %q, want %q", tt.variable, tt.value, code, tt.code, text, tt.want)
		}
		if code == usage && !strings.Contains(text, "\ns2c: hint: ") {
			t.Errorf("%s=%s: no hint: %q", tt.variable, tt.value, text)
		}
		if strings.Contains(text, "abcde") {
			t.Errorf("%s=%s: the error repeats what may be a token: %q", tt.variable, tt.value, text)
		}
		code, text = runCommand(t, map[string]string{"S2C_STATE": dir}, "server", "--"+tt.flag+"="+tt.value)
		if code != tt.code || strings.Contains(text, "S2C_") {
			t.Errorf("--%s=%s: exit code %d, want %d: %q, want it without a variable", tt.flag, tt.value, code, tt.code, text)
		}
	}
	code, text := runCommand(t, nil, "server", "-h")
	if code != 0 {
		t.Fatalf("server -h: exit code %d: %q", code, text)
	}
	_, text, _ = strings.Cut(text, "\nFlags:\n")
	for _, m := range regexp.MustCompile(`(?m)^ .*?--([a-z-]+) `).FindAllStringSubmatch(text, -1) {
		if !slices.Contains(tried, m[1]) {
			t.Errorf("nothing tries the variable of --%s", m[1])
		}
		tried = slices.DeleteFunc(tried, func(s string) bool { return s == m[1] })
	}
	if len(tried) > 0 {
		t.Errorf("server -h lacks %q:\n%s", tried, text)
	}
}

// TestServerFromEnvironment starts a hub with the environment alone, and checks
// that a flag wins.
func TestServerFromEnvironment(t *testing.T) {
	env := map[string]string{
		"S2C_STATE": t.TempDir(), "S2C_PORT": "0", "S2C_ADDRESS": "127.0.0.1", "S2C_TCP": "1",
		"S2C_MAX_MEMBERS": "1", "S2C_VERBOSE": "true", "S2C_METRICS": "0", "S2C_DRAIN": "",
		"S2C_DOOR": "abcde-fghij-klmno-pqrst-uvwxya", // a member's, who runs a hub besides
	}
	s := startServerIn(t.Context(), t, env)
	if !strings.HasPrefix(s.addr, "127.0.0.1:") {
		t.Errorf("the hub is on %s", s.addr)
	}
	s.await(`(?m)^s2c: metrics on http://(127\.0\.0\.1:\d+)/metrics$`)
	conn, m := s.join(0, nil)
	if _, ok := m.(wire.Joined); !ok {
		t.Errorf("without a token a person was told %#v", m)
	}
	s.await(`level=DEBUG`)
	if e, ok := s.ask(1, nil).(wire.Error); !ok || e.Code != wire.CodeHubFull {
		t.Errorf("a second was told %#v, want that the hub is full", e)
	}
	conn.Close()
	s.end()

	env["S2C_PORT"], env["S2C_MAX_MEMBERS"] = "70000", "many"
	s = startServerIn(t.Context(), t, env, "-p", "0", "--max-members", "2")
	conn, _ = s.join(0, nil)
	s.wantAnswer(1, nil, "")
	conn.Close()
	s.end()

	env["S2C_PORT"], env["S2C_MAX_MEMBERS"], env["S2C_HUB_DOOR"] = "0", "", "true"
	s = startServerIn(t.Context(), t, env)
	s.wantAnswer(1, nil, "none was given")
	s.end()
	s = startServerIn(t.Context(), t, env, "--door=false")
	s.wantAnswer(1, nil, "")
	s.end()
}

// TestServerLogsJSON checks that all that a hub prints is JSON, and has no
// token in it.
func TestServerLogsJSON(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t.Context(), t, dir, "--log-format", "json", "--door", "--metrics", "127.0.0.1:0")
	s.wantAnswer(0, nil, "none was given")
	s.await(`"msg":"member refused"`)
	s.end()
	b := s.out.String()
	var told []string
	for line := range strings.Lines(b) {
		var record struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &record); err != nil || record.Level == "" || record.Msg == "" {
			t.Errorf("line %q: %+v, %v", line, record, err)
		}
		told = append(told, record.Msg)
	}
	for _, want := range []string{"hub key ", "hub door", "metrics on http://127.0.0.1:", "hub on " + s.addr} {
		if !slices.ContainsFunc(told, func(msg string) bool { return strings.HasPrefix(msg, want) }) {
			t.Errorf("nothing like %q is in %q", want, told)
		}
	}
	text := startServer(t.Context(), t, dir, "--door").await(`(?m)^s2c: hub door (\S+)$`)
	if _, err := hello.ParseToken(text); err != nil || strings.Contains(b, text) {
		t.Errorf("the token %q, %v, is in the log:\n%s", text, err, b)
	}
}
