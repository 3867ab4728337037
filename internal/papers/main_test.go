package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/internal/cli"
)

// TestMain runs where the module is, as the command is.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func read(t *testing.T, name ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(name...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPapers checks that each command has a page with each of its flags, that
// shells know it, that the terms of whatever it is made of are there, and that all
// of it is the same when it is made again.
func TestPapers(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	dirs := [2]string{t.TempDir(), t.TempDir()}
	for _, dir := range dirs {
		if err := run(t.Context(), []string{"-o", dir}); err != nil {
			t.Fatal(err)
		}
	}
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		page := read(t, dirs[0], "man", strings.ReplaceAll(c.CommandPath(), " ", "-")+".1")
		if !strings.Contains(page, "Nov 2023") || !strings.Contains(page, strings.Fields(c.Short)[0]) {
			t.Errorf("the page of %q is\n%s", c.CommandPath(), page)
		}
		for f := range strings.FieldsSeq(c.LocalFlags().FlagUsages()) {
			if strings.HasPrefix(f, "--") && !strings.Contains(page, strings.ReplaceAll(f, "-", `\-`)) && !strings.Contains(page, f) {
				t.Errorf("the page of %q does not tell of %s", c.CommandPath(), f)
			}
		}
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				check(sub)
			}
		}
	}
	check(cli.Commands())
	if fish := read(t, dirs[0], "completions", "s2c.fish"); !strings.Contains(fish, "complete") {
		t.Errorf("fish is told\n%s", fish)
	}
	terms := read(t, dirs[0], "LICENCES.txt")
	for _, want := range []string{
		"thesyncim/gopus v", "ebitengine/oto/v3 v", "Xiph.Org", "Copyright 2009 The Go Authors", "mousetrap v", "golang.org/x/crypto v",
	} {
		if !strings.Contains(terms, want) {
			t.Errorf("the terms do not name %q", want)
		}
	}
	if unit := read(t, dirs[0], "s2c.service"); !strings.Contains(unit, "\nExecStart=/usr/bin/s2c server\n") || !strings.Contains(unit, "\nUser=s2c\n") || strings.Contains(unit, "/usr/local") {
		t.Errorf("the unit of packages is\n%s", unit)
	}
	files := 0
	for _, name := range []string{"man", "completions", "."} {
		list, err := os.ReadDir(filepath.Join(dirs[0], name))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if e.IsDir() {
				continue
			}
			if files++; read(t, dirs[0], name, e.Name()) != read(t, dirs[1], name, e.Name()) {
				t.Errorf("%s differs when it is made again", e.Name())
			}
		}
	}
	if files < 15 {
		t.Errorf("%d files", files)
	}
}

// TestSBOM checks what is said of a program: this one.
func TestSBOM(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "bill.json")
	if err := run(t.Context(), []string{"-sbom", name, exe}); err != nil {
		t.Fatal(err)
	}
	got := read(t, name)
	for _, want := range []string{
		`"bomFormat": "CycloneDX"`, `"specVersion": "1.5"`, `"purl": "pkg:golang/github.com/spf13/cobra@v`, `"name": "stdlib"`, `"name": "go:sum"`, `"name": "go:GOOS"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the bill lacks %s:\n%s", want, got)
		}
	}
	if err := run(t.Context(), []string{"-sbom", name, "go.mod"}); err == nil {
		t.Error("go.mod is a program")
	}
}

func TestArguments(t *testing.T) {
	for _, args := range [][]string{nil, {"-o", t.TempDir(), "more"}, {"-sbom", "x"}, {"-nonsense"}} {
		if err := run(t.Context(), args); err == nil {
			t.Errorf("run(%q) = nil", args)
		}
	}
	if at, err := date("60", time.Now()); err != nil || at.Unix() != 60 {
		t.Errorf("date = %v, %v", at, err)
	}
	if _, err := date("yesterday", time.Now()); err == nil {
		t.Error("yesterday is a number of seconds")
	}
	now := time.Unix(5, 0)
	if at, err := date("", now); err != nil || !at.Equal(now) {
		t.Errorf("date = %v, %v without a word of it", at, err)
	}
}
