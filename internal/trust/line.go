package trust

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/text"
)

// The fields of a line behind the fingerprint and the name, in any order.
const (
	firstField    = "first="
	lastField     = "last="
	verifiedField = "verified"
)

// An entry is a line of known_peers.
type entry struct {
	Person
	extra []string // fields that a later version wrote; kept
}

// parseEntry decodes a line. It reports false for anything that is not a person.
func parseEntry(line string) (e entry, ok bool) {
	fields := strings.FieldsFunc(strings.TrimRight(line, "\r\n"), isBlank)
	if len(fields) == 0 {
		return e, false
	}
	fp, err := hello.ParseFingerprint(fields[0])
	if err != nil {
		return e, false
	}
	e.Fingerprint = fp
	if len(fields) == 1 {
		return e, true
	}
	e.Name = decodeName(fields[1])
	var verified int
	for _, field := range fields[2:] {
		switch {
		case strings.HasPrefix(field, firstField):
			ok = setDay(&e.First, field[len(firstField):])
		case strings.HasPrefix(field, lastField):
			ok = setDay(&e.Last, field[len(lastField):])
		case field == verifiedField:
			verified++
			e.Verified, ok = true, verified == 1
		default:
			e.extra, ok = append(e.extra, field), true
		}
		if !ok {
			return e, false
		}
	}
	return e, true
}

// isBlank reports whether r stands between two fields.
func isBlank(r rune) bool { return r == ' ' || r == '\t' }

// nextField returns the first field of a line, and the rest of it.
func nextField(line []byte) (field, rest []byte) {
	line = bytes.TrimLeftFunc(bytes.TrimRight(line, "\r\n"), isBlank)
	if i := bytes.IndexFunc(line, isBlank); i >= 0 {
		return line[:i], line[i:]
	}
	return line, nil
}

// setDay decodes a day that was not set before.
func setDay(day *time.Time, value string) (ok bool) {
	t, err := time.Parse(time.DateOnly, value)
	if err != nil || t.IsZero() || !day.IsZero() {
		return false
	}
	*day = t
	return true
}

// append appends the line of e to b, without its end.
func (e *entry) append(b []byte) []byte {
	b = append(append(b, e.Fingerprint.String()...), ' ')
	b = appendName(b, e.Name)
	if !e.First.IsZero() {
		b = e.First.AppendFormat(append(b, " "+firstField...), time.DateOnly)
	}
	if !e.Last.IsZero() {
		b = e.Last.AppendFormat(append(b, " "+lastField...), time.DateOnly)
	}
	if e.Verified {
		b = append(b, " "+verifiedField...)
	}
	for _, field := range e.extra {
		b = append(append(b, ' '), field...)
	}
	return b
}

// noName stands for a name that is not known.
const noName = "-"

// appendName appends a clean name as one field: "Ann%20B". A space and what
// writes it are all that is written in another way, so that the line is
// readable, in any script.
func appendName(b []byte, name string) []byte {
	switch name {
	case "":
		return append(b, noName...)
	case noName:
		return append(b, "%2D"...)
	}
	for i := range len(name) {
		switch name[i] {
		case ' ':
			b = append(b, "%20"...)
		case '%':
			b = append(b, "%25"...)
		default:
			b = append(b, name[i])
		}
	}
	return b
}

// decodeName returns the clean name that a field stands for. It takes what a
// person may have typed: a "%" that is followed by no two digits is itself.
func decodeName(field string) string {
	if field == noName {
		return ""
	}
	if strings.Contains(field, "%") {
		b := make([]byte, 0, len(field))
		for i := 0; i < len(field); i++ {
			c := field[i]
			if c == '%' && i+2 < len(field) {
				if v, err := strconv.ParseUint(field[i+1:i+3], 16, 8); err == nil {
					c = byte(v)
					i += 2
				}
			}
			b = append(b, c)
		}
		field = string(b)
	}
	return clean(field)
}

// clean returns a name as it is stored and compared.
func clean(name string) string {
	if len(name) <= text.MaxName && isASCII(name) && strings.Trim(name, " ") == name {
		return name // most are clean, and known_peers has thousands
	}
	return text.Clean(name, text.MaxName)
}

// isASCII reports whether s is nothing but visible ASCII characters and spaces.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// sameName reports whether two clean names look the same to somebody who does
// not look closely: but for their case, for how their letters are put together,
// and for how many spaces there are. No name is the same as none.
func sameName(a, b string) bool {
	return a != "" && strings.EqualFold(plain(a), plain(b))
}

// plain returns a name in the form in which names are compared.
func plain(name string) string {
	if isASCII(name) && !strings.Contains(name, "  ") {
		return name
	}
	return strings.Join(strings.Fields(norm.NFKC.String(name)), " ")
}

// merge returns what two lines about one person say together.
func merge(a, b Person) Person {
	later, earlier := a, b
	if b.Last.After(a.Last) {
		later, earlier = b, a
	}
	if later.Name == "" {
		later.Name = earlier.Name
	}
	if later.First.IsZero() || !earlier.First.IsZero() && earlier.First.Before(later.First) {
		later.First = earlier.First
	}
	later.Verified = a.Verified || b.Verified
	return later
}

// date returns the day of t where t is, as midnight UTC, and zero for a day
// that cannot be written.
func date(t time.Time) time.Time {
	year, month, day := t.Date()
	if year < 1 || year > 9999 {
		return time.Time{}
	}
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}
