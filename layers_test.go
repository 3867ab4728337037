package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the import path of this directory.
const module = "github.com/sanix-darker/s2c"

// layers lists what each package may import of this module; "..." stands for
// anything. A package that is missing fails the test, so adding one is a
// decision that somebody reviews. ARCHITECTURE.md explains the rows.
var layers = map[string]string{
	"cipher/sframe":      "",
	"internal/media":     "",
	"internal/mailbox":   "",
	"internal/queue":     "",
	"internal/text":      "",
	"internal/file":      "",
	"internal/metrics":   "",
	"internal/rate":      "",
	"cipher/hello":       "",
	"cipher/identity":    "cipher/hello",
	"cipher/cpace":       "",
	"cipher/words":       "",
	"internal/wire":      "cipher/sframe cipher/hello",
	"cipher":             "cipher/sframe cipher/hello cipher/identity cipher/cpace cipher/words",
	"internal/trust":     "cipher/hello cipher/identity internal/file internal/text",
	"internal/transport": "internal/file internal/rate",

	"ascii":           "",
	"v4l2":            "",
	"pulse":           "",
	"internal/audio":  "internal/media",
	"internal/video":  "",
	"internal/simnet": "internal/transport",

	// Neither cipher nor a codec: the hub cannot see or hear anybody.
	"hub":             "cipher/hello internal/wire internal/transport internal/queue internal/rate",
	"internal/device": "internal/media v4l2 pulse",
	"internal/doctor": "internal/media",
	"internal/call": "internal/media internal/mailbox internal/queue internal/text internal/wire cipher cipher/hello cipher/identity cipher/sframe " +
		"internal/trust internal/transport internal/audio internal/video",

	"internal/hubload": "cipher cipher/hello cipher/identity cipher/sframe internal/transport internal/wire",

	"internal/command": "internal/call internal/text",
	"internal/ctl":     "",
	"internal/plain":   "cipher/hello internal/call internal/command internal/text",

	"internal/term": "ascii internal/text",
	"internal/ui":   "internal/term internal/media internal/call internal/text internal/trust cipher/hello ascii",
	"internal/cli":  "...",
	"":              "internal/cli",

	"internal/papers": "internal/cli", // not part of the program
}

// lab packages help tests and are not part of the program; nothing but they
// themselves and tests may import them.
const lab = "internal/lab"

// TestLayers reads the sources of every operating system itself: "go list" in
// a subprocess would see only one, and hide the files from the test cache.
func TestLayers(t *testing.T) {
	seen := make(map[string]bool)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && skipDir(d.Name()):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		pkg := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), ".")
		seen[pkg] = true
		checkImports(t, path, pkg)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range layers {
		if !seen[pkg] {
			t.Errorf("the table of layers names package %q, which does not exist", pkg)
		}
	}
}

// skipDir reports whether a directory holds nothing of this module.
func skipDir(name string) bool {
	return name == "testdata" || name == "tools" || strings.HasPrefix(name, ".")
}

// checkImports fails the test for each import of the file at path that its
// package must not have.
func checkImports(t *testing.T, path, pkg string) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	inLab := pkg == lab || strings.HasPrefix(pkg, lab+"/")
	allowed, ok := layers[pkg]
	if !ok && !inLab {
		t.Errorf("package %s is not in the table of layers", pkg)
	}
	for _, spec := range file.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		imp, ours := strings.CutPrefix(imp, module+"/")
		switch {
		case !ours || inLab:
		case strings.HasPrefix(imp, lab):
			t.Errorf("%s imports %s, which only tests may", path, imp)
		case allowed != "..." && !slices.Contains(strings.Fields(allowed), imp):
			t.Errorf("%s imports %s; its package may import only: %s", path, imp, allowed)
		}
	}
}
