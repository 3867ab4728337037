package main

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestMain lets the test binary be the attackers, as the command is.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-at") {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-only", "kindness"}, {"-seconds", "0"}, {"-no-such-flag"}} {
		if err := run(t.Context(), args, strings.NewReader(""), io.Discard); err == nil {
			t.Errorf("run(%q) is no error", args)
		}
	}
}

// Each attack does something for a second, and both calls go on.
func TestAttacks(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has the addresses of the attackers without further ado")
	}
	tried := []string{"lengths"} // all of them take minutes
	var out bytes.Buffer
	args := []string{"-only", strings.Join(tried, ","), "-seconds", "1", "-after", "1ms"}
	if err := run(t.Context(), args, strings.NewReader(""), &out); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(out.String(), "\n")
	for i, name := range tried {
		if f := strings.Fields(rows[1+i]); len(f) != 15 || f[0] != name || f[1] == "0" || f[14] == "-" {
			t.Errorf("%s: %q", name, rows[1+i])
		}
	}
}
