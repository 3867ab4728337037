// Command papers writes what goes with the program besides itself:
//
//	go run ./internal/papers -o papers               man pages and so on
//	go run ./internal/papers -sbom s2c.cdx.json s2c  what a binary is made of
//
// Man pages and completions come from the commands themselves, and the licences
// from the modules that the program is built with, on any of its systems. The unit
// is that of packaging as packages have it. What it
// writes depends on nothing else but SOURCE_DATE_EPOCH, the time in seconds that is
// on the man pages, so that a release can be made again with the same bytes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/sanix-darker/s2c/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "papers: error:", err)
		os.Exit(1)
	}
}

// run is the command with its arguments.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("papers", flag.ContinueOnError)
	dir := flags.String("o", "", "write man pages, completions and licences to this `directory`")
	sbom := flags.String("sbom", "", "write what the binary is made of to this `file`, as CycloneDX")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case *sbom != "" && flags.NArg() == 1:
		return writeSBOM(ctx, flags.Arg(0), *sbom)
	case *dir == "" || flags.NArg() > 0:
		return errors.New("want -o DIRECTORY, or -sbom FILE BINARY")
	}
	at, err := date(os.Getenv("SOURCE_DATE_EPOCH"), time.Now())
	if err != nil {
		return err
	}
	root := cli.Commands()
	if err := writeManual(root, filepath.Join(*dir, "man"), at); err != nil {
		return err
	}
	if err := writeCompletions(root, filepath.Join(*dir, "completions")); err != nil {
		return err
	}
	if err := writeUnit(filepath.Join(*dir, "s2c.service")); err != nil {
		return err
	}
	if err := copyScripts(filepath.Join(*dir, "scripts"), at); err != nil {
		return err
	}
	return writeLicences(ctx, filepath.Join(*dir, "LICENCES.txt"))
}

// copyScripts copies what packages run when they are installed and removed. Packages
// for Alpine hold the time of these files, which in a clone is that of cloning.
func copyScripts(dir string, at time.Time) error {
	scripts, err := filepath.Glob("packaging/scripts/*.sh")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range scripts {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.Base(name))
		if err := errors.Join(os.WriteFile(to, b, 0o755), os.Chtimes(to, at, at)); err != nil {
			return err
		}
	}
	return nil
}

// unitHead starts the unit of packages.
const unitHead = `# The hub of s2c: systemctl enable --now s2c
#
# Settings go to /etc/s2c/server.env, a line each, such as S2C_PORT=1122; "s2c server
# -h" tells all of them. What the hub keeps is in /var/lib/s2c.
`

// writeUnit writes the unit of the hub as packages have it: with the program where
// they put it, and the user that they make.
func writeUnit(name string) error {
	b, err := os.ReadFile("packaging/s2c.service")
	if err != nil {
		return err
	}
	unit := string(b)
	for _, x := range [][2]string{
		{"\nExecStart=/usr/local/bin/s2c server\n", "\nExecStart=/usr/bin/s2c server\n"},
		{"\nDynamicUser=yes\n", "\nDynamicUser=yes\nUser=s2c\n"},
	} {
		if strings.Count(unit, x[0]) != 1 {
			return fmt.Errorf("the unit lacks %q", x[0])
		}
		unit = strings.Replace(unit, x[0], x[1], 1)
	}
	_, text, _ := strings.Cut(unit, "\n[Unit]\n") // before it is how to install it without a package
	return os.WriteFile(name, []byte(unitHead+"[Unit]\n"+text), 0o644)
}

// date returns the time that epoch says, in seconds since 1970, or now.
func date(epoch string, now time.Time) (time.Time, error) {
	if epoch == "" {
		return now.UTC(), nil
	}
	s, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return now, fmt.Errorf("SOURCE_DATE_EPOCH %q: want seconds since 1970", epoch)
	}
	return time.Unix(s, 0).UTC(), nil
}

// writeManual writes a man page for each command.
func writeManual(root *cobra.Command, dir string, at time.Time) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root.DisableAutoGenTag = true // it has the date of today
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Date: &at, Source: "s2c", Manual: "s2c"}, dir)
}

// writeCompletions writes what shells complete the arguments with.
func writeCompletions(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	return errors.Join(
		root.GenBashCompletionFileV2(in("s2c.bash"), true),
		root.GenZshCompletionFile(in("_s2c")),
		root.GenFishCompletionFile(in("s2c.fish"), true),
		root.GenPowerShellCompletionFileWithDesc(in("s2c.ps1")),
	)
}
