package cli

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/command"
)

// TestHeadlessDocs makes sure that programs are told of each event, field and
// command.
func TestHeadlessDocs(t *testing.T) {
	b, err := os.ReadFile("../../docs/headless.md")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.ReplaceAll(string(b), `\|`, "|")
	wanted := func(what, s string) {
		if !strings.Contains(page, s) {
			t.Errorf("docs/headless.md says nothing of the %s %s", what, s)
		}
	}
	for _, s := range kindNames() {
		wanted("event", "\n| `"+s+"` | ")
	}
	for _, s := range []string{"welcome", "ok", "error", "stats"} {
		wanted("event", "\n| `"+s+"` | ")
	}
	for _, w := range command.Words {
		wanted("command", "\n| `"+w.Usage()+"` | ")
	}
	for _, s := range fieldNames(reflect.TypeFor[event]()) {
		wanted("field", "`"+s+"`")
	}
}

// kindNames returns the events of all kinds of notices.
func kindNames() (names []string) {
	defer func() { _ = recover() }() // of String, for a kind that there is none of
	for k := call.NoticeKind(0); ; k++ {
		names = append(names, k.String())
	}
}

// fieldNames returns the names in JSON of the fields of a struct, and of those
// inside.
func fieldNames(t reflect.Type) (names []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(append(names, name), fieldNames(f.Type)...)
	}
	return names
}
