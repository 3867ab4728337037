package wire

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The types of messages and the codes of errors are those of docs/protocol.md, in
// which each has a row: "| 0x01 | Join |", "| 1 | Protocol |".
func TestProtocolDocument(t *testing.T) {
	page, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ prefix, from, to string }{
		{"type", "### 3.1 ", "### 3.2 "},
		{"Code", "### 3.2 ", "### 3.3 "},
	} {
		_, section, _ := strings.Cut(string(page), "\n"+test.from)
		section, _, _ = strings.Cut(section, "\n"+test.to)
		got, want := rows(t, section), constants(t, test.prefix)
		if len(want) == 0 || !maps.Equal(got, want) {
			t.Errorf("section %shas %v; message.go has %v", test.from[4:], got, want)
		}
	}
}

// rows returns the numbers by the names in the rows of a table that begin with both.
func rows(t *testing.T, section string) map[string]int64 {
	t.Helper()
	list := make(map[string]int64)
	for _, row := range regexp.MustCompile(`(?m)^\| (\w+) \| (\w+) \|`).FindAllStringSubmatch(section, -1) {
		n, err := strconv.ParseInt(row[1], 0, 64)
		if err != nil {
			continue // the head, or another table
		}
		if _, twice := list[row[2]]; twice {
			t.Errorf("%q has two rows", row[2])
		}
		list[row[2]] = n
	}
	return list
}

// constants returns the values by the names, without prefix, of the constants of
// message.go whose names begin with it.
func constants(t *testing.T, prefix string) map[string]int64 {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "message.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	list := make(map[string]int64)
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, prefix) {
			return true
		}
		value, ok := spec.Values[0].(*ast.BasicLit)
		if !ok {
			t.Fatalf("%s is no plain number", spec.Names[0])
		}
		list[spec.Names[0].Name[len(prefix):]], err = strconv.ParseInt(value.Value, 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		return true
	})
	return list
}
