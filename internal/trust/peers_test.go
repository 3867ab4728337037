package trust

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/file"
)

// onWindows skips what has to do with modes, links and FIFOs there.
const onWindows = runtime.GOOS == "windows"

// fp returns fingerprint number i.
func fp(i int) hello.Fingerprint { return hello.Fingerprint{byte(i), byte(i >> 8), 0xff} }

// on returns an hour of a day in November 2026.
func on(day int) time.Time { return time.Date(2026, 11, day, 13, 14, 15, 0, time.UTC) }

// open returns Peers whose file holds text, or does not exist if it is empty.
func open(t testing.TB, text string) *Peers {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config", "known_peers")
	if text != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := OpenPeers(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// holds fails the test unless the file holds want.
func holds(t *testing.T, p *Peers, want string) {
	t.Helper()
	if b, err := os.ReadFile(p.path); err != nil || string(b) != want {
		t.Errorf("the file holds %q, %v, want %q", b, err, want)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPeers(t *testing.T) {
	p := open(t, "")
	marked := func(i int, name string, want Mark) Person {
		t.Helper()
		mark, who := p.Check(fp(i), name)
		if mark != want {
			t.Errorf("Check(%d, %q) = %v, want %v", i, name, mark, want)
		}
		return who
	}
	if who := marked(1, "ann", New); who != (Person{}) {
		t.Errorf("a stranger is %+v", who)
	}
	if _, err := os.Stat(filepath.Dir(p.path)); err == nil {
		t.Error("Check makes a directory")
	}
	ok(t, p.Met(fp(1), "Ann  B", on(3)))
	if info, err := os.Stat(p.path); err != nil || !onWindows && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 600", info.Mode(), err)
	}
	holds(t, p, fp(1).String()+" Ann%20%20B first=2026-11-03 last=2026-11-03\n")
	ann := Person{fp(1), "Ann  B", time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC), false}
	if who := marked(1, "anything", Seen); who != ann {
		t.Errorf("Check returns %+v, want %+v", who, ann)
	}
	marked(2, "ann b", Changed)
	marked(2, "", New)
	marked(2, "bob", New)

	ok(t, p.Verify(on(4), Person{Fingerprint: fp(1)}, Person{Fingerprint: fp(2), Name: "\x1b[1mbob"}))
	holds(t, p, fp(1).String()+" Ann%20%20B first=2026-11-03 last=2026-11-03 verified\n"+
		fp(2).String()+" [1mbob first=2026-11-04 last=2026-11-04 verified\n")
	marked(1, "Ann B", Verified)
	ok(t, p.Met(fp(1), "\u202eann\n", on(5)))
	ok(t, p.Met(fp(1), "", on(5))) // no name is no other name
	ok(t, p.Met(fp(1), "ann", on(1)))
	holds(t, p, fp(1).String()+" ann first=2026-11-03 last=2026-11-05 verified\n"+
		fp(2).String()+" [1mbob first=2026-11-04 last=2026-11-04 verified\n")

	list, err := p.List()
	if err != nil || len(list) != 2 || list[0].Name != "ann" || list[1].Name != "[1mbob" {
		t.Errorf("List = %+v, %v, want ann and [1mbob", list, err)
	}
	gone, err := p.Forget("ANN")
	if err != nil || len(gone) != 1 || gone[0] != list[0] {
		t.Errorf("Forget = %+v, %v, want %+v", gone, err, list[:1])
	}
	if gone, err := p.Forget("ANN"); err != nil || len(gone) != 0 {
		t.Errorf("Forget again = %+v, %v, want nobody", gone, err)
	}
	if gone, err := p.Forget(" " + fp(2).String() + "\n"); err != nil || len(gone) != 1 || gone[0] != list[1] {
		t.Errorf("Forget = %+v, %v, want %+v", gone, err, list[1:])
	}
	holds(t, p, "")
	marked(1, "ann", New)
}

// A nil *Peers and a zero one know nobody and forget everything.
func TestNoPeers(t *testing.T) {
	for _, p := range []*Peers{nil, {}} {
		ok(t, p.Met(fp(1), "ann", on(1)))
		ok(t, p.Verify(on(1), Person{Fingerprint: fp(1), Name: "ann"}))
		if mark, who := p.Check(fp(1), "ann"); mark != New || who != (Person{}) {
			t.Errorf("Check = %v, %+v, want new", mark, who)
		}
		if list, err := p.List(); len(list) != 0 || err != nil {
			t.Errorf("List = %+v, %v", list, err)
		}
		if gone, err := p.Forget("ann"); len(gone) != 0 || err != nil {
			t.Errorf("Forget = %+v, %v", gone, err)
		}
	}
}

// line returns a line of the file.
func line(i int, rest string) string { return fp(i).String() + " " + rest + "\n" }

func TestCheck(t *testing.T) {
	const days = " first=2026-11-01 last=2026-11-09"
	tests := []struct {
		name string
		file string
		who  int
		as   string
		want Mark
	}{
		{"stranger", line(2, "bob"+days), 1, "ann", New},
		{"stranger's name, in capitals", line(2, "bob"+days), 1, "BOB", Changed},
		{"name with escape sequences", line(2, "bob"+days), 1, "b\x1bo\u200bb ", Changed},
		{"spaces", line(2, "bob%20b"+days), 1, "bob   b", Changed},
		{"put together in another way", line(2, "jose\u0301"+days), 1, "JOSÉ", Changed},
		{"wide letters", line(2, "bob"+days), 1, "ｂｏｂ", Changed},
		{"another language's letters", line(2, "σοφία"+days), 1, "ΣΟΦΊΑ", Changed},
		{"nearly the same", line(2, "bob"+days), 1, "bobb", New},
		{"no name", line(2, "-"+days) + line(3, "bob"+days), 1, "", New},
		{"name that is nothing when clean", line(2, "-"+days), 1, "\x1b\u200b", New},
		{"a name that is a dash", line(2, "-"+days), 1, "-", New},
		{"another's dash", line(2, "%2D"+days), 1, "-", Changed},
		{"name of a verified person", line(2, "bob"+days+" verified"), 1, "bob", Changed},
		{"name of two", line(2, "bob"+days) + line(3, "bob"+days), 1, "bob", Changed},

		{"seen", line(1, "bob"+days), 1, "bob", Seen},
		{"seen, with another name", line(1, "bob"+days), 1, "rob", Seen},
		{"verified", line(1, "bob"+days+" verified"), 1, "bob", Verified},
		{"fingerprint alone", line(1, ""), 1, "bob", Seen},
		{"by hand", line(1, "bob verified"), 1, "bob", Verified},
		{"by hand, called so", line(1, "verified"), 1, "bob", Seen},
		{"two of one name, for long", line(2, "bob"+days) + line(1, "bob"+days), 1, "bob", Seen},
		{"two of one name, without a name now", line(2, "bob"+days) + line(1, "bob first=2026-11-09 last=2026-11-09"), 1, "", Seen},
		{"met once, after the other", line(2, "bob"+days) + line(1, "bob first=2026-11-09 last=2026-11-09"), 1, "bob", Changed},
		{"met once on the same day, after the other", line(2, "bob first=2026-11-09 last=2026-11-09") + line(1, "bob first=2026-11-09 last=2026-11-09"), 1, "bob", Changed},
		{"met once, before the other", line(1, "bob first=2026-11-01 last=2026-11-01") + line(2, "bob"+days), 1, "bob", Seen},
		{"met once, after the other, verified", line(2, "bob"+days) + line(1, "bob first=2026-11-09 last=2026-11-09 verified"), 1, "bob", Verified},
		{"the other is verified", line(1, "bob"+days) + line(2, "bob"+days+" verified"), 1, "bob", Changed},
		{"both are verified", line(1, "bob"+days+" verified") + line(2, "bob"+days+" verified"), 1, "bob", Verified},
		{"took the name", line(1, "eve"+days) + line(2, "bob"+days), 1, "bob", Changed},
		{"took the name, verified", line(1, "eve"+days+" verified") + line(2, "bob"+days+" verified"), 1, "bob", Verified},

		{"twice in the file, verified once", line(1, "bob"+days) + line(1, "bob"+days+" verified"), 1, "bob", Verified},
		{"twice in the file", line(1, "bob"+days) + line(1, "rob"+days), 1, "rob", Seen},
		{"carriage returns", strings.ReplaceAll(line(1, "bob"+days+" verified"), "\n", "\r\n"), 1, "bob", Verified},
		{"tabs and no end", "\t" + fp(1).String() + "\tbob\t verified", 1, "bob", Verified},
		{"fields of the future", line(1, "bob x=1 verified"+days+" y"), 1, "bob", Verified},
		{"verified in another form", line(1, "bob verified=no"), 1, "bob", Seen},
		{"first is damaged", line(1, "bob verified first=never"), 1, "bob", New},
		{"last is damaged", line(1, "bob verified last=2026-13-01"), 1, "bob", New},
		{"first twice", line(1, "bob first=2026-11-01 first=2026-11-02"), 1, "bob", New},
		{"verified twice", line(1, "bob verified verified"), 1, "bob", New},
		{"comment", "#" + line(1, "bob"), 1, "bob", New},
		{"damaged fingerprint", fp(1).String()[:49] + " bob\n", 1, "bob", New},
	}
	for _, test := range tests {
		p := open(t, test.file)
		mark, who := p.Check(fp(test.who), test.as)
		if mark != test.want {
			t.Errorf("%s: Check(%d, %q) = %v, want %v; file %q", test.name, test.who, test.as, mark, test.want, test.file)
		}
		if none := (hello.Fingerprint{}); who.Fingerprint != fp(test.who) && who.Fingerprint != none {
			t.Errorf("%s: Check returns another person, %+v", test.name, who)
		}
	}
}

// The file is written when something changes, and not else.
func TestPeersWritesChanges(t *testing.T) {
	p := open(t, "")
	ok(t, p.Met(fp(1), "ann", on(3)))
	zone := time.FixedZone("east", 12*3600)
	late := time.Date(2026, 11, 4, 1, 0, 0, 0, zone) // still the 3rd in UTC, but not where the person is
	tests := []struct {
		name   string
		change func() error
		writes bool
	}{
		{"again on the day", func() error { return p.Met(fp(1), "ann", on(3).Add(time.Hour)) }, false},
		{"a day before", func() error { return p.Met(fp(1), "ann", on(2)) }, false},
		{"the day after", func() error { return p.Met(fp(1), "ann", late) }, true},
		{"another name", func() error { return p.Met(fp(1), "Ann", late) }, true},
		{"verified", func() error { return p.Verify(late, Person{Fingerprint: fp(1)}) }, true},
		{"verified again", func() error { return p.Verify(on(9), Person{Fingerprint: fp(1), Name: "Ann"}) }, false},
		{"nobody verified", func() error { return p.Verify(on(9)) }, false},
		{"a stranger forgotten", func() error { _, err := p.Forget("bob"); return err }, false},
		{"a year that cannot be written", func() error { return p.Met(fp(1), "Ann", time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)) }, false},
	}
	for _, test := range tests {
		before, err := os.Stat(p.path)
		ok(t, err)
		ok(t, test.change())
		after, err := os.Stat(p.path)
		ok(t, err)
		if written := !os.SameFile(before, after); written != test.writes {
			t.Errorf("%s: written %v, want %v", test.name, written, test.writes)
		}
	}
	holds(t, p, line(1, "Ann first=2026-11-03 last=2026-11-04 verified"))
}

// Only the lines of the people concerned change, and of these only what is known.
func TestPeersKeepsTheRest(t *testing.T) {
	text := "# people\r\n\n" + line(1, "ann  x=1\tfirst=2026-11-01 last=2026-11-01 y") + "\xff\x00junk\n" +
		strings.TrimSuffix(line(2, "bob first=2026-11-01"), "\n") + "\r\n" + line(1, "ann  last=2026-10-01") + "last line"
	p := open(t, text)
	ok(t, p.Met(fp(2), "bob", on(2)))
	want := strings.Replace(text, "bob first=2026-11-01\r", "bob first=2026-11-01 last=2026-11-02\r", 1)
	holds(t, p, want)
	ok(t, p.Met(fp(1), "ann", on(2)))
	want = strings.Replace(want, "ann  x=1\tfirst=2026-11-01 last=2026-11-01 y", "ann first=2026-11-01 last=2026-11-02 x=1 y", 1)
	holds(t, p, want)
	ok(t, p.Met(fp(3), "eve", on(2)))
	want += "\n" + line(3, "eve first=2026-11-02 last=2026-11-02")
	holds(t, p, want)
	gone, err := p.Forget("Ann")
	if err != nil || len(gone) != 1 || gone[0].Last != date(on(2)) {
		t.Errorf("Forget = %+v, %v, want ann once", gone, err)
	}
	for l := range strings.Lines(want) {
		if strings.HasPrefix(l, fp(1).String()) {
			want = strings.Replace(want, l, "", 1)
		}
	}
	holds(t, p, want)
}

// A hundred lines of junk between good ones lose none, and stay.
func TestPeersKeepsJunk(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var text bytes.Buffer
	for i := range 100 {
		junk := make([]byte, rng.IntN(3000))
		for j := range junk {
			if junk[j] = byte(rng.Uint32()); junk[j] == '\n' {
				junk[j] = 0
			}
		}
		if i%3 == 0 { // nearly a line
			junk = append([]byte(fp(i).String()[:20+i/4]), junk...)
		}
		fmt.Fprintf(&text, "%s\n%s", junk, line(i, fmt.Sprintf("person%d first=2026-11-01 last=2026-11-01 verified", i)))
	}
	text.WriteString("# a last line without an end")
	p := open(t, text.String())
	ok(t, p.Met(fp(1000), "new", on(2)))
	holds(t, p, text.String()+"\n"+line(1000, "new first=2026-11-02 last=2026-11-02"))
	for i := range 100 {
		if mark, who := p.Check(fp(i), ""); mark != Verified || who.Name != fmt.Sprint("person", i) {
			t.Errorf("Check(%d) = %v, %+v, want verified", i, mark, who)
		}
	}
	if list, err := p.List(); err != nil || len(list) != 101 || list[0].Name != "new" {
		t.Errorf("List has %d people, %v, want 101, new first", len(list), err)
	}
}

// Goroutines, and several Peers of one file, lose nothing.
func TestPeersTogether(t *testing.T) {
	p := open(t, "")
	q, err := OpenPeers(p.path)
	ok(t, err)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := []*Peers{p, q}[i%2].Met(fp(i), fmt.Sprint("person", i), on(1)); err != nil {
				t.Error(err)
			}
			if mark, _ := p.Check(fp(i), ""); mark != Seen {
				t.Errorf("person %d is %v, want seen", i, mark)
			}
		})
	}
	wg.Wait()
	if list, err := p.List(); err != nil || len(list) != 20 {
		t.Errorf("List has %d people, %v, want 20", len(list), err)
	}
}

// A full file takes nobody, and loses nobody.
func TestPeersFull(t *testing.T) {
	var text bytes.Buffer
	for i := 0; text.Len() < maxPeers-100; i++ {
		text.WriteString(line(i, "somebody first=2026-11-01 last=2026-11-01"))
	}
	fmt.Fprintf(&text, "#%s\n", strings.Repeat("x", maxPeers-text.Len()-2))
	p := open(t, text.String())
	err := p.Met(fp(60000), "new", on(1))
	if e, isError := errors.AsType[*Error](err); !isError || !errors.Is(err, file.ErrTooBig) || e.Hint() == "" {
		t.Errorf("Met in a full file: %v, want %v with a hint", err, file.ErrTooBig)
	}
	ok(t, p.Met(fp(1), "somebody", on(2)))
	if b, err := os.ReadFile(p.path); err != nil || len(b) != maxPeers {
		t.Errorf("the file has %d bytes, %v, want %d", len(b), err, maxPeers)
	}
}

func TestPeersFiles(t *testing.T) {
	tests := []struct {
		name, want, hint string
		unixOnly         bool
		prepare          func(path string) error
	}{
		{"nothing", "", "", false, func(string) error { return nil }},
		{"empty", "", "", false, func(path string) error { return os.WriteFile(path, nil, 0o600) }},
		{"others may read", "", "", false, func(path string) error { return os.WriteFile(path, nil, 0o644) }},
		{"directory", "not a regular file but a directory", "mv ", false, func(path string) error { return os.Mkdir(path, 0o700) }},
		{"huge", "too big", "remove lines", false, func(path string) error { return os.WriteFile(path, make([]byte, maxPeers+1), 0o600) }},
		{"group may write", "others may write it (mode 0660)", "chmod 600 ", true, func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o660))
		}},
	}
	for _, test := range tests {
		if test.unixOnly && onWindows {
			continue
		}
		path := filepath.Join(t.TempDir(), "known_peers")
		ok(t, test.prepare(path))
		_, err := OpenPeers(path)
		if test.want == "" {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if e, isError := errors.AsType[*Error](err); !isError || !strings.Contains(err.Error(), test.want) ||
			!strings.Contains(err.Error(), fmt.Sprintf("read known people %q: ", path)) || !strings.Contains(e.Hint(), test.hint) {
			t.Errorf("%s: %v, want an *Error with %q and the hint %q", test.name, err, test.want, test.hint)
		}
	}
}

// What goes wrong later makes everybody new and is an error elsewhere.
func TestPeersBroken(t *testing.T) {
	p := open(t, line(1, "ann first=2026-11-01 last=2026-11-01 verified"))
	ok(t, os.Remove(p.path))
	ok(t, os.Mkdir(p.path, 0o700))
	if mark, _ := p.Check(fp(1), "ann"); mark != New {
		t.Errorf("Check = %v, want new", mark)
	}
	_, listErr := p.List()
	_, forgetErr := p.Forget("ann")
	for i, err := range []error{p.Met(fp(1), "ann", on(1)), p.Verify(on(1), Person{Fingerprint: fp(1)}), listErr, forgetErr} {
		if _, isError := errors.AsType[*Error](err); !isError || !errors.Is(err, file.ErrNotRegular) {
			t.Errorf("method %d: %v, want an *Error", i, err)
		}
	}
}

// A symbolic link to the file stays one.
func TestPeersLink(t *testing.T) {
	if onWindows {
		t.Skip("symbolic links need rights there")
	}
	p := open(t, line(1, "ann"))
	link := filepath.Join(t.TempDir(), "link")
	ok(t, os.Symlink(p.path, link))
	q, err := OpenPeers(link)
	ok(t, err)
	ok(t, q.Met(fp(2), "bob", on(1)))
	if mark, _ := p.Check(fp(2), ""); mark != Seen {
		t.Errorf("who was met through the link is %v, want seen", mark)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is %v, %v now", info.Mode(), err)
	}
}

func TestListOrder(t *testing.T) {
	p := open(t, line(1, "zoe last=2026-11-02")+line(2, "Ann last=2026-11-02")+line(3, "bob last=2026-11-03")+
		line(4, "old")+line(1, "zora first=2026-11-03 last=2026-11-04"))
	list, err := p.List()
	ok(t, err)
	var got []string
	for _, who := range list {
		got = append(got, who.Name)
	}
	if want := []string{"zora", "bob", "Ann", "old"}; !slices.Equal(got, want) {
		t.Errorf("List = %q, want %q", got, want)
	}
}

func TestMarkString(t *testing.T) {
	want := map[Mark]string{New: "new", Changed: "key changed", Seen: "seen", Verified: "verified"}
	for mark, word := range want {
		if mark.String() != word {
			t.Errorf("Mark %d is %q, want %q", mark, mark.String(), word)
		}
	}
}
