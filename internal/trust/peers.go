package trust

import (
	"bytes"
	"errors"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/file"
)

// maxPeers is the size of known_peers in bytes: some 10,000 people. When it is
// full nobody is added: to make room by forgetting would let a crowd of
// strangers make us forget a friend.
const maxPeers = 1 << 20

// peersAccess is what known_peers must be like: whoever writes it says who is
// verified.
const peersAccess = file.OwnerWrites | file.Mine

// Peers is the file of people met, one line each:
//
//	SHA256:... Ann%20B first=2026-11-22 last=2026-11-22 verified
//
// In a name "%20" stands for a space and "%25" for "%"; "-" is no name. The
// rest may be missing, and is in any order. Fields and lines that cannot be
// read, such as comments, stay in the file as they are. There are days in it
// and no times, and it is written when something changes only.
//
// Any goroutine and any process may use it at the same time. Each method reads
// the file anew. The zero value and a nil *Peers know nobody and forget
// everything.
type Peers struct {
	path string
	mu   sync.Mutex // saves our own goroutines the wait for the file's lock
}

// OpenPeers returns the people in the file at path, which need not exist. It
// fails when there is a file that cannot be read or that others may change; the
// error is an *Error.
func OpenPeers(path string) (*Peers, error) {
	p := &Peers{path: path}
	if _, err := p.read(); err != nil {
		return nil, err
	}
	return p, nil
}

// Check says how well the person with a fingerprint is known who goes by a
// name in the session, and returns what is known of them, which is nothing for
// a stranger.
//
// The mark is Changed when somebody else of the same name is known, and the
// person is not verified and is a stranger, or was met on a single day, after
// the other one; or has taken the name since they were last met; or the other
// one is verified. Names are compared clean, without regard to case. Without a
// name the mark is never Changed. When the file cannot be read everybody is New.
func (p *Peers) Check(fp hello.Fingerprint, name string) (Mark, Person) {
	b, err := p.read()
	if err != nil {
		return New, Person{}
	}
	name = clean(name)
	var me Person
	mine := -1 // the number of the first line about them
	var namesakes []numbered
	for e := range about(b, fp, name) {
		switch {
		case e.Fingerprint != fp:
			namesakes = append(namesakes, e)
		case mine < 0:
			me, mine = e.Person, e.line
		default:
			me = merge(me, e.Person)
		}
	}
	if me.Verified {
		return Verified, me
	}
	for _, other := range namesakes {
		older := other.First.Before(me.First) || other.First.Equal(me.First) && other.line < mine
		if mine < 0 || other.Verified || !sameName(name, me.Name) || older && me.First.Equal(me.Last) {
			return Changed, me
		}
	}
	if mine < 0 {
		return New, me
	}
	return Seen, me
}

// A numbered is an entry with the number of its line.
type numbered struct {
	entry
	line int
}

// about returns the people in the file b who have a fingerprint or a name. It
// reads no more than that of the other lines, as it is called at every join.
func about(b []byte, fp hello.Fingerprint, name string) iter.Seq[numbered] {
	return func(yield func(numbered) bool) {
		who := fp.String()
		n := 0
		for line := range bytes.Lines(b) {
			n++
			first, rest := nextField(line)
			if string(first) != who {
				if second, _ := nextField(rest); !sameName(name, decodeName(string(second))) {
					continue
				}
			}
			if e, ok := parseEntry(string(line)); ok && !yield(numbered{e, n}) {
				return
			}
		}
	}
}

// Met stores that a person was met under a name. It writes the file when that
// is the first time on this day, in the time zone of at, or the name is another
// one, and then waits for the disk. The error is an *Error.
func (p *Peers) Met(fp hello.Fingerprint, name string, at time.Time) error {
	name, day := clean(name), date(at)
	return p.update(func(b []byte) ([]byte, bool) {
		found := false
		b, changed := edit(b, func(e *entry) (keep bool) {
			if e.Fingerprint != fp || found {
				return true
			}
			found = true
			if name != "" {
				e.Name = name
			}
			if e.First.IsZero() {
				e.First = day
			}
			if day.After(e.Last) { // the clock may have been wrong
				e.Last = day
			}
			return true
		})
		if found {
			return b, changed
		}
		return add(b, Person{Fingerprint: fp, Name: name, First: day, Last: day}), true
	})
}

// Verify marks people as verified, by their Fingerprint. Who was never met is
// added, under their Name and as met at that time; who was gets that Name, if
// there is one. The error is an *Error; nobody is marked then.
func (p *Peers) Verify(at time.Time, people ...Person) error {
	day := date(at)
	return p.update(func(b []byte) ([]byte, bool) {
		changed := false
		for _, who := range people {
			name, found := clean(who.Name), false
			var edited bool
			b, edited = edit(b, func(e *entry) (keep bool) {
				if e.Fingerprint != who.Fingerprint {
					return true
				}
				found, e.Verified = true, true
				if name != "" {
					e.Name = name
				}
				return true
			})
			if !found {
				b = add(b, Person{Fingerprint: who.Fingerprint, Name: name, First: day, Last: day, Verified: true})
			}
			changed = changed || edited || !found
		}
		return b, changed
	})
}

// Forget removes the people with a fingerprint or a name, as typed, and returns
// them: none, and no error, if there is nobody. The error is an *Error.
func (p *Peers) Forget(who string) ([]Person, error) {
	fp, err := hello.ParseFingerprint(strings.TrimSpace(who))
	byName, name := err != nil, clean(who)
	var gone []Person
	err = p.update(func(b []byte) ([]byte, bool) {
		gone = nil
		return edit(b, func(e *entry) (keep bool) {
			if byName && !sameName(name, e.Name) || !byName && e.Fingerprint != fp {
				return true
			}
			gone = append(gone, e.Person)
			return false
		})
	})
	if err != nil {
		return nil, err
	}
	return merged(gone), nil
}

// List returns everybody, the last met first. The error is an *Error.
func (p *Peers) List() ([]Person, error) {
	b, err := p.read()
	if err != nil {
		return nil, err
	}
	var list []Person
	for _, e := range people(b) {
		list = append(list, e.Person)
	}
	return merged(list), nil
}

// merged returns each person once, the last met first.
func merged(list []Person) []Person {
	index := make(map[hello.Fingerprint]int, len(list))
	var once []Person
	for _, who := range list {
		if i, ok := index[who.Fingerprint]; ok {
			once[i] = merge(once[i], who)
			continue
		}
		index[who.Fingerprint] = len(once)
		once = append(once, who)
	}
	slices.SortStableFunc(once, func(a, b Person) int {
		if c := b.Last.Compare(a.Last); c != 0 {
			return c
		}
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return once
}

// people returns the lines that are people, in their order.
func people(b []byte) []entry {
	var all []entry
	for line := range bytes.Lines(b) {
		if e, ok := parseEntry(string(line)); ok {
			all = append(all, e)
		}
	}
	return all
}

// edit returns a copy of the file b with what change makes of the people in it.
// All lines that change leaves alone are the same, byte for byte.
func edit(b []byte, change func(e *entry) (keep bool)) (out []byte, changed bool) {
	out = make([]byte, 0, len(b)+128)
	for line := range bytes.Lines(b) {
		e, ok := parseEntry(string(line))
		if !ok {
			out = append(out, line...)
			continue
		}
		before := e.Person
		switch keep := change(&e); {
		case !keep:
			changed = true
		case e.Person == before:
			out = append(out, line...)
		default:
			changed = true
			out = append(e.append(out), line[len(bytes.TrimRight(line, "\r\n")):]...)
		}
	}
	return out, changed
}

// add returns the file b with a line for who at its end.
func add(b []byte, who Person) []byte {
	if len(b) > 0 && b[len(b)-1] != '\n' {
		b = append(b, '\n')
	}
	e := entry{Person: who}
	return append(e.append(b), '\n')
}

// read returns the file, nothing if there is none.
func (p *Peers) read() ([]byte, error) {
	if p == nil || p.path == "" {
		return nil, nil
	}
	b, err := file.Read(p.path, maxPeers, peersAccess)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, newError("read known people", p.path, err)
	}
	return b, nil
}

// update changes the file to what change makes of it, unless that returns
// false. It may call change twice.
func (p *Peers) update(change func(b []byte) ([]byte, bool)) error {
	if p == nil || p.path == "" {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	// Mostly nothing changes, which then needs neither a lock nor a directory.
	b, err := p.read()
	if err != nil {
		return err
	}
	if _, ok := change(b); !ok {
		return nil
	}
	if err := file.Update(p.path, maxPeers, peersAccess, change); err != nil {
		return newError("change known people", p.path, err)
	}
	return nil
}
