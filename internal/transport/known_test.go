package transport

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	fpOne = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	fpTwo = "SHA256:BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

func openKnown(t *testing.T, text string) *KnownHubs {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config", "known_hubs")
	if text != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	k, err := OpenKnownHubs(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKnownHubs(t *testing.T) {
	k := openKnown(t, "")
	const addr = "hub.example:1122"
	check := func(fp string, want bool) {
		t.Helper()
		if known, err := k.Check(addr, fp); known != want || err != nil {
			t.Fatalf("Check(%q) = %v, %v, want %v", fp, known, err, want)
		}
	}
	check(fpOne, false)
	check(fpOne, false) // checking remembers nothing
	if err := k.Remember(addr, fpOne); err != nil {
		t.Fatal(err)
	}
	check(fpOne, true)
	_, err := k.Check(addr, fpTwo)
	changed, ok := errors.AsType[*HubChangedError](err)
	if want := (HubChangedError{addr, fpOne, fpTwo, k.path}); !ok || *changed != want {
		t.Fatalf("Check of another key: %v, want %v", err, &want)
	}
	if known, err := k.Check("192.0.2.1:1122", fpTwo); known || err != nil {
		t.Errorf("another name of the same hub: %v, %v, want new", known, err)
	}
	if found, err := k.Forget(addr); !found || err != nil {
		t.Errorf("Forget = %v, %v, want true", found, err)
	}
	if found, err := k.Forget(addr); found || err != nil {
		t.Errorf("Forget again = %v, %v, want false", found, err)
	}
	check(fpTwo, false)
	if err := k.Remember(addr, fpOne); err != nil {
		t.Fatal(err)
	}
	if err := k.Remember(addr, fpTwo); err != nil {
		t.Fatal(err)
	}
	check(fpTwo, true)
	b, err := os.ReadFile(k.path)
	if want := addr + " " + fpTwo + "\n"; err != nil || string(b) != want {
		t.Errorf("the file holds %q, %v, want %q", b, err, want)
	}
	info, err := os.Stat(k.path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 600", info.Mode(), err)
	}
}

func TestRememberRefusesJunk(t *testing.T) {
	k := openKnown(t, "")
	for _, in := range [][2]string{
		{"host", fpOne},
		{"host:1\nevil:1", fpOne},
		{"a b:1", fpOne},
		{"#host:1", fpOne},
		{":1", fpOne},
		{"host:", fpOne},
		{"", fpOne},
		{"host:1", ""},
		{"host:1", "SHA256:"},
		{"host:1", fpOne + "="},
		{"host:1", fpOne[:len(fpOne)-1]},
		{"host:1", "MD5:" + fpOne[7:]},
		{"host:1", fpOne[:len(fpOne)-1] + "B"},
	} {
		if err := k.Remember(in[0], in[1]); err == nil {
			t.Errorf("Remember(%q, %q) succeeds", in[0], in[1])
		}
	}
	if _, err := os.Stat(k.path); err == nil {
		t.Error("there is a file")
	}
}

// A hundred lines of junk between good ones lose none, and stay.
func TestKnownHubsKeepsJunk(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var text bytes.Buffer
	for i := range 100 {
		junk := make([]byte, rng.IntN(3000))
		for j := range junk {
			if junk[j] = byte(rng.Uint32()); junk[j] == '\n' {
				junk[j] = 0
			}
		}
		fmt.Fprintf(&text, "%s\nhub%d.example:1122 %s\n", junk, i, fpOne)
	}
	text.WriteString("# a last line without an end")
	k := openKnown(t, text.String())
	if err := k.Remember("new.example:1122", fpTwo); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(k.path)
	if want := text.String() + "\nnew.example:1122 " + fpTwo + "\n"; err != nil || string(got) != want {
		t.Errorf("the file has %d bytes, %v, want %d", len(got), err, len(want))
	}
	for i := range 100 {
		addr := fmt.Sprintf("hub%d.example:1122", i)
		if known, err := k.Check(addr, fpOne); !known || err != nil {
			t.Errorf("Check(%q) = %v, %v, want true", addr, known, err)
		}
	}
}

func TestKnownHubsTogether(t *testing.T) {
	k := openKnown(t, "")
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := k.Remember(fmt.Sprintf("hub%d:1", i), fpOne); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range 20 {
		if known, err := k.Check(fmt.Sprintf("hub%d:1", i), fpOne); !known || err != nil {
			t.Errorf("hub%d is %v, %v, want known", i, known, err)
		}
	}
}

// knownHubsRole has the file and the name of a process of
// TestKnownHubsProcesses.
const knownHubsRole = "KNOWN_HUBS_ROLE"

// Two processes that change the file at the same time lose no line.
func TestKnownHubsProcesses(t *testing.T) {
	const lines = 20
	if path, name, ok := strings.Cut(os.Getenv(knownHubsRole), "\n"); ok {
		k, err := OpenKnownHubs(path)
		for i := 0; i < lines && err == nil; i++ {
			err = k.Remember(fmt.Sprintf("%s-%d:1", name, i), fpOne)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	k := openKnown(t, "# a comment\n")
	var wg sync.WaitGroup
	var want []string
	for _, name := range []string{"a", "b", "c"} {
		for i := range lines {
			want = append(want, fmt.Sprintf("%s-%d:1", name, i))
		}
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKnownHubsProcesses$")
			cmd.Env = append(os.Environ(), knownHubsRole+"="+k.path+"\n"+name)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	hubs, err := k.List()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range hubs {
		got = append(got, h.Addr)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d lines %q, want %d", len(got), got, len(want))
	}
	if text, err := k.read(); err != nil || !bytes.HasPrefix(text, []byte("# a comment\n")) {
		t.Errorf("the comment is lost, %v", err)
	}
}

func TestKnownHubsList(t *testing.T) {
	k := openKnown(t, "")
	if hubs, err := k.List(); len(hubs) != 0 || err != nil {
		t.Errorf("List without a file = %v, %v", hubs, err)
	}
	if found, err := k.Forget("h:1"); found || err != nil {
		t.Errorf("Forget without a file = %v, %v, want false", found, err)
	}
	if _, err := os.Stat(filepath.Dir(k.path)); err == nil {
		t.Error("looking makes a directory")
	}
	k = openKnown(t, "# comment\nb:1 "+fpOne+"\njunk\na:1 "+fpOne+"\r\nb:1\t"+fpTwo)
	hubs, err := k.List()
	if want := []Hub{{"b:1", fpOne}, {"a:1", fpOne}, {"b:1", fpTwo}}; err != nil || !slices.Equal(hubs, want) {
		t.Errorf("List = %v, %v, want %v", hubs, err, want)
	}
}

// Two lines for one hub are two keys that it may have.
func TestKnownHubsTwoKeys(t *testing.T) {
	k := openKnown(t, "h:1 "+fpOne+"\r\nh:1\t"+fpTwo+"\n")
	for _, fp := range []string{fpOne, fpTwo} {
		if known, err := k.Check("h:1", fp); !known || err != nil {
			t.Errorf("Check(%q) = %v, %v, want true", fp, known, err)
		}
	}
	if found, err := k.Forget("h:1"); !found || err != nil {
		t.Fatal(found, err)
	}
	if known, err := k.Check("h:1", fpTwo); known || err != nil {
		t.Errorf("Check after Forget = %v, %v, want false", known, err)
	}
}

func TestKnownHubsFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenKnownHubs(dir); err == nil {
		t.Error("a directory opens")
	}
	huge := filepath.Join(dir, "huge")
	if err := os.WriteFile(huge, make([]byte, maxKnownHubs+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKnownHubs(huge); err == nil || !strings.Contains(err.Error(), huge) {
		t.Errorf("a huge file: %v, want an error with its name", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	// A symbolic link to the file stays one.
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	if err := os.WriteFile(real, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	k, err := OpenKnownHubs(link)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Remember("h:1", fpOne); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(real); err != nil || string(b) != "h:1 "+fpOne+"\n" {
		t.Errorf("the file behind the link holds %q, %v", b, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is %v, %v now", info.Mode(), err)
	}
}

func FuzzKnownHubs(f *testing.F) {
	f.Add([]byte("h:1 "+fpOne+"\n"), "h:1")
	f.Add([]byte("# comment\r\n\nh:1  "+fpOne+"\t\n[::1]:2 "+fpTwo), "[::1]:2")
	f.Add([]byte{0xff, '\n', 0}, "")
	f.Fuzz(func(t *testing.T, text []byte, addr string) {
		kept, found := withoutHub(text, addr)
		if _, again := withoutHub(kept, addr); again {
			t.Errorf("withoutHub(%q, %q) = %q, which still has it", text, addr, kept)
		}
		if !found && !bytes.Equal(bytes.TrimSuffix(kept, []byte("\n")), bytes.TrimSuffix(text, []byte("\n"))) {
			t.Errorf("withoutHub(%q, %q) = %q, but found nothing", text, addr, kept)
		}
		for line := range bytes.Lines(text) {
			a, fp, ok := parseKnownHub(string(line))
			if !ok {
				continue
			}
			a2, fp2, ok := parseKnownHub(a + " " + fp + "\n")
			if !ok || a2 != a || fp2 != fp {
				t.Errorf("parseKnownHub(%q) = %q, %q, which reads as %q, %q, %v", line, a, fp, a2, fp2, ok)
			}
			if a != addr && !bytes.Contains(kept, bytes.TrimSuffix(line, []byte("\n"))) {
				t.Errorf("withoutHub(%q, %q) loses %q", text, addr, line)
			}
		}
	})
}
