package ctl

import (
	"fmt"
	"strings"
	"text/template/parse"
)

// Fields are the names that a format may have, and what they stand for.
var Fields = []struct {
	Name, Help string
	value      func(*Status) any // a string, a list of strings, a bool, an int or a float64
}{
	{"Session", "the session", func(s *Status) any { return s.Session }},
	{"Name", "your name", func(s *Status) any { return noHash(s.Name) }},
	{"PID", "the number of the process", func(s *Status) any { return s.PID }},
	{"People", "how many are there, with you", func(s *Status) any { return s.People }},
	{"Names", "the names of the others, a list", func(s *Status) any { return noHashes(s.Names) }},
	{"Speaking", "the names of those who speak, a list", func(s *Status) any { return noHashes(s.Speaking) }},
	{"Hands", "the names of those whose hand is up, a list", func(s *Status) any { return noHashes(s.Hands) }},
	{"Waiting", "how many wait to be let in", func(s *Status) any { return s.Waiting }},
	{"Muted", "true while you are muted", func(s *Status) any { return s.Muted }},
	{"Deafened", "true while you hear nobody", func(s *Status) any { return s.Deafened }},
	{"Talking", "true while you speak", func(s *Status) any { return s.Talking }},
	{"Camera", "true while your camera is on", func(s *Status) any { return s.Camera }},
	{"Locked", "true while the session is locked", func(s *Status) any { return s.Locked }},
	{"Link", "connecting, joined or reconnecting", func(s *Status) any { return s.Link }},
	{"RTT", "milliseconds to the hub and back, with a fraction", func(s *Status) any { return s.RTT }},
	{"Loss", "share of packets lost on the way here, 0 to 1", func(s *Status) any { return s.Loss }},
	{"Up", "kB/s sent, with a fraction", func(s *Status) any { return s.Up }},
	{"Down", "kB/s received, with a fraction", func(s *Status) any { return s.Down }},
}

// Format fills in format, which has the fields between {{ and }} in the syntax of
// Go's text/template, of which it knows if, else and end, and the functions join,
// printf, len, not, eq and ne. Names come without '#', which tmux takes for the start of an
// instruction.
//
// It reads formats as text/template does and leaves out what that package calls by
// reflection: a program that links it keeps all methods of all its types, here 4 MB.
func (s *Status) Format(format string) (string, error) {
	known := map[string]any{"join": true, "printf": true, "len": true, "not": true, "eq": true, "ne": true}
	trees, err := parse.Parse("format", format, "", "", known)
	if err != nil {
		return "", err
	}
	f := formatter{status: s}
	f.list(trees["format"].Root)
	return f.b.String(), f.err
}

// A formatter fills in one format. After the first error it does nothing.
type formatter struct {
	status *Status
	b      strings.Builder
	err    error
}

func (f *formatter) fail(format string, args ...any) any {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
	return ""
}

func (f *formatter) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			f.b.Write(n.Text)
		case *parse.ActionNode:
			fmt.Fprint(&f.b, f.pipe(n.Pipe))
		case *parse.IfNode:
			// Both ways are read, so that what is wrong in either is said.
			branch := formatter{status: f.status}
			no := branch
			branch.list(n.List)
			no.list(n.ElseList)
			if !truth(f.pipe(n.Pipe)) {
				branch.b.Reset()
				branch.b.WriteString(no.b.String())
			}
			for _, err := range []error{branch.err, no.err} {
				if err != nil {
					f.fail("%w", err)
				}
			}
			f.b.WriteString(branch.b.String())
		default:
			f.fail("%v is not known here", n)
		}
	}
}

// pipe returns the value of what stands between {{ and }}.
func (f *formatter) pipe(p *parse.PipeNode) any {
	if len(p.Decl) > 0 || len(p.Cmds) != 1 {
		return f.fail("%v: neither variables nor | are known here", p)
	}
	words := p.Cmds[0].Args
	name, ok := words[0].(*parse.IdentifierNode)
	if !ok {
		if len(words) > 1 {
			return f.fail("%v is no function", words[0])
		}
		return f.value(words[0])
	}
	args := make([]any, len(words)-1)
	for i, w := range words[1:] {
		args[i] = f.value(w)
	}
	switch {
	case f.err != nil:
	case name.Ident == "join" && len(args) == 2:
		list, isList := args[0].([]string)
		between, isText := args[1].(string)
		if isList && isText {
			return strings.Join(list, between)
		}
	case name.Ident == "printf" && len(args) > 0:
		if format, ok := args[0].(string); ok {
			return fmt.Sprintf(format, args[1:]...)
		}
	case name.Ident == "len" && len(args) == 1:
		switch v := args[0].(type) {
		case []string:
			return len(v)
		case string:
			return len(v)
		}
	case name.Ident == "not" && len(args) == 1:
		return !truth(args[0])
	case (name.Ident == "eq" || name.Ident == "ne") && len(args) == 2:
		_, isList := args[0].([]string) // which cannot be compared
		if !isList {
			return (args[0] == args[1]) == (name.Ident == "eq")
		}
	}
	return f.fail("wrong arguments: %v", p)
}

// value returns the value of one word.
func (f *formatter) value(n parse.Node) any {
	switch n := n.(type) {
	case *parse.FieldNode:
		for i := range Fields {
			if len(n.Ident) == 1 && Fields[i].Name == n.Ident[0] {
				return Fields[i].value(f.status)
			}
		}
		return f.fail("there is no field %v", n)
	case *parse.StringNode:
		return n.Text
	case *parse.BoolNode:
		return n.True
	case *parse.NumberNode:
		switch {
		case n.IsInt:
			return int(n.Int64)
		case n.IsFloat:
			return n.Float64
		}
	case *parse.PipeNode:
		return f.pipe(n)
	}
	return f.fail("%v is not known here", n)
}

// truth says what if makes of a value: false, 0 and what is empty are not so.
func truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case int:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case []string:
		return len(v) > 0
	}
	return false
}

// noHash returns s without what tmux would act on.
func noHash(s string) string { return strings.ReplaceAll(s, "#", "") }

func noHashes(list []string) []string {
	clean := make([]string, len(list))
	for i, s := range list {
		clean[i] = noHash(s)
	}
	return clean
}
