package device

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// waveNameLen is how many UTF-16 units Windows cuts the names of microphones to.
const waveNameLen = 31

// waveName returns a name as Windows has it: to a zero, and cut, which may be in
// the middle of a character.
func waveName(units []uint16) string {
	if i := slices.Index(units, 0); i >= 0 {
		units = units[:i]
	}
	if n := len(units); n > 0 && units[n-1]&0xfc00 == 0xd800 { // the first half of a pair
		units = units[:n-1]
	}
	return string(utf16.Decode(units))
}

// waveFind returns the number of the microphone that a person means by name: the
// one called so, the one with that number, or the first that has name in its own or
// is cut from it.
func waveFind(names []string, name string) (int, error) {
	name = strings.ToLower(name)
	part := -1
	for i, n := range names {
		n = strings.ToLower(n)
		if n == name {
			return i, nil
		}
		// A pair that is cut off is one unit less.
		cut := len(utf16.Encode([]rune(names[i]))) >= waveNameLen-1
		if part < 0 && (strings.Contains(n, name) || cut && strings.HasPrefix(name, n)) {
			part = i
		}
	}
	if i, err := strconv.Atoi(name); err == nil && 0 <= i && i < len(names) {
		return i, nil
	}
	if part < 0 {
		return 0, ErrNotFound
	}
	return part, nil
}

// waveListed lists microphones so that each can be chosen: one of several that are
// called the same, or of none, goes by its number.
func waveListed(names []string, preferred int) []Listed {
	l := listNames(names, preferred)
	for i := range l {
		if got, err := waveFind(names, l[i].Name); l[i].Name == "" || err != nil || got != i {
			l[i].Name = strconv.Itoa(i)
		}
	}
	return l
}

// listNames lists devices that have a name alone.
func listNames(names []string, preferred int) (l []Listed) {
	for i, name := range names {
		l = append(l, Listed{Name: name, Description: name, Default: i == preferred})
	}
	return l
}
