// Package packaging_test checks the files that install s2c.
package packaging_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/cli"
	"github.com/sanix-darker/s2c/internal/lab"
)

const unit = "s2c.service"

// readUnit returns the text of the unit.
func readUnit(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// analyze runs systemd-analyze and returns what it printed.
func analyze(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("systemd-analyze")
	lab.Need(t, err)
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	return string(out), err
}

// TestUnitIsSound has systemd read the unit. The program that it starts is
// another one, as it must exist.
func TestUnitIsSound(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const start = "\nExecStart=/usr/local/bin/s2c server\n"
	text := readUnit(t)
	if !strings.Contains(text, start) {
		t.Fatalf("the unit does not start the server with %q", start)
	}
	path := filepath.Join(t.TempDir(), unit)
	text = strings.Replace(text, start, "\nExecStart="+program+" server\n", 1)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	// An unknown setting is a warning, so nothing may be printed.
	if out, err := analyze(t, "verify", path); err != nil || out != "" {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// TestUnitIsHardened has systemd weigh what the service may do: 0 is nothing,
// 10 everything. Most of what is left is the network, which a hub needs.
func TestUnitIsHardened(t *testing.T) {
	const most = "15" // in tenths
	out, err := analyze(t, "security", "--no-pager", "--offline=yes", "--threshold="+most, unit)
	if strings.Contains(out, "unrecognized option") {
		t.Skipf("this version of systemd cannot weigh a file: %s", out)
	}
	exposure := regexp.MustCompile(`(?m)^.*Overall exposure level.*$`).FindString(out)
	if err != nil || exposure == "" {
		t.Errorf("systemd-analyze security with at most %s tenths: %v\n%s", most, err, out)
	}
	t.Log(exposure)
}

// TestUnitVariables checks that each variable in the unit is one of the
// server's flags.
func TestUnitVariables(t *testing.T) {
	var help, errs bytes.Buffer
	code := cli.Main(t.Context(), cli.Env{
		Args: []string{"server", "-h"}, Stdin: strings.NewReader(""), Stdout: &help, Stderr: &errs,
		Getenv: func(string) string { return "" },
	})
	if code != 0 {
		t.Fatalf("s2c server -h exited with %d: %s", code, errs.String())
	}
	found := regexp.MustCompile(`S2C_[A-Z_]+`).FindAllString(readUnit(t), -1)
	if len(found) < 5 {
		t.Errorf("only the variables %q are in the unit", found)
	}
	for _, variable := range found {
		flag := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(variable, "S2C_"), "_", "-"))
		if variable != "S2C_STATE" && !regexp.MustCompile(`--`+flag+` `).MatchString(help.String()) {
			t.Errorf("the unit has %s, but the server has no --%s", variable, flag)
		}
	}
}

// TestUnitWaitsForDrain checks that systemd waits for the drain that the unit
// speaks of, and for the 2 s that the hub takes after it.
func TestUnitWaitsForDrain(t *testing.T) {
	text := readUnit(t)
	setting := func(pattern string) time.Duration {
		t.Helper()
		m := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("nothing like %s is in the unit", pattern)
		}
		d, err := time.ParseDuration(m[1])
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	drain, stop := setting(`S2C_DRAIN=(\w+)`), setting(`(?m)^TimeoutStopSec=(\w+)$`)
	if stop < drain+2*time.Second {
		t.Errorf("systemd waits for %v, want more than a drain of %v and 2 s", stop, drain)
	}
}
