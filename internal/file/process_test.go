package file

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The test binary is every process of these tests; the variable has what to do.
const role = "FILE_TEST_ROLE"

// TestMain does what a process was started for, or runs the tests.
func TestMain(m *testing.M) {
	args := strings.Fields(os.Getenv(role))
	if len(args) == 0 {
		os.Exit(m.Run())
	}
	if err := process(args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// process adds lines "NAME 0" to "NAME 24" to a file, or holds its lock until
// it is killed, or gives the file to itself.
func process(args []string) error {
	path := args[1]
	switch args[0] {
	case "add":
		for i := range 25 {
			err := Update(path, 1<<20, OwnerOnly|Mine, func(b []byte) ([]byte, bool) {
				return fmt.Appendf(b, "%s %d\n", args[2], i), true
			})
			if err != nil {
				return err
			}
		}
		return nil
	case "hold":
		if _, err := lock(path, patience); err != nil {
			return err
		}
		fmt.Println("held")
		_, err := io.Copy(io.Discard, os.Stdin) // until the test ends, at the latest
		return err
	case "create":
		_, err := Create(path, bytes.Repeat([]byte(args[2]), 4000))
		return err
	}
	return fmt.Errorf("no role %q", args)
}

// start returns a command for a process with that role. It is killed with the
// test.
func start(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), role+"="+strings.Join(args, " "))
	return cmd
}

// Processes and goroutines that change a file at the same time lose nothing.
func TestUpdateTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	var wg sync.WaitGroup
	var want []string
	for p := range 6 {
		name := fmt.Sprint("p", p)
		for i := range 25 {
			want = append(want, fmt.Sprintf("%s %d", name, i))
		}
		wg.Go(func() {
			if p < 2 {
				if err := process([]string{"add", path, name}); err != nil {
					t.Error(err)
				}
				return
			}
			if out, err := start(t, "add", path, name).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(string(b)), "\n")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d lines, want %d: %q", len(got), len(want), got)
	}
	names(t, filepath.Dir(path), "f", "f.lock")
}

// One of several processes makes the file.
func TestCreateProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	var wg sync.WaitGroup
	for p := range 6 {
		wg.Go(func() {
			if out, err := start(t, "create", path, fmt.Sprint(p)).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	b, err := os.ReadFile(path)
	if err != nil || len(b) != 4000 || bytes.Count(b, b[:1]) != 4000 {
		t.Errorf("the file has %d bytes, %v", len(b), err)
	}
	names(t, filepath.Dir(path), "f")
}

// A process that is killed leaves no lock behind.
func TestLockEndsWithProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	cmd := start(t, "hold", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the process says %q, %v", line, err)
	}
	if _, err := lock(path, 10*time.Millisecond); err == nil {
		t.Error("two processes have the lock")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	unlock, err := lock(path, patience)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}
