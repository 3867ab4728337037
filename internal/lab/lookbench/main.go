// Command lookbench measures the looks of package ascii: how much of a picture
// is left, what it costs, and how still a still picture is. It runs chafa and
// jp2a beside them where they are installed.
//
//	go run ./internal/lab/lookbench                          everything
//	go run ./internal/lab/lookbench -tables quality          only that: quality, cost, changes
//	go run ./internal/lab/lookbench -font noto -held         in another font, with pictures that no parameter was chosen with
//	go run ./internal/lab/lookbench -chafa ~/src/chafa       another chafa too; may be repeated
//	go run ./internal/lab/lookbench -save DIR                keep what is drawn as PNG files
//	go run ./internal/lab/lookbench -sheet F.ttf > f.png     the picture of a font for metric/fonts
//
// Quality is the metric of package metric at 80x30 cells. Octants of chafa are
// in the tables only if it draws them, which takes version 1.16 and a GLib that
// knows Unicode 16; other versions of GLib make it drop them without a word.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image/png"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"

	"github.com/sanix-darker/s2c/internal/lab/lookbench/metric"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "lookbench: error: %v\n", err)
		os.Exit(1)
	}
}

// run is main with its arguments and its outputs.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("lookbench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	paths := []string{"chafa"}
	tables := flags.String("tables", "quality,cost,changes", "which tables to print")
	font := flags.String("font", "dejavu", "font of the terminal: "+strings.Join(metric.Fonts(), ", "))
	held := flags.Bool("held", false, "measure quality with the pictures that no parameter was chosen with")
	save := flags.String("save", "", "`folder` for pictures of what is drawn")
	rounds := flags.Int("rounds", 5, "how often to measure costs")
	sheet := flags.String("sheet", "", "write the picture of this font `file` and nothing else")
	flags.Func("chafa", "`path` of another chafa to compare with", func(s string) error {
		paths = append(paths, s)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *sheet != "" {
		return writeSheet(stdout, *sheet)
	}
	tools, err := findTools(ctx, paths, stderr)
	if err != nil {
		return err
	}
	names := metric.Pictures
	if *held {
		names = metric.HeldOut
	}
	for name := range strings.SplitSeq(*tables, ",") {
		var err error
		switch name {
		case "quality":
			err = quality(ctx, stdout, *font, names, methods(tools, stderr), *save)
		case "cost":
			err = costs(ctx, stdout, tools, max(*rounds, 1))
		case "changes":
			err = changes(stdout, "face")
		default:
			err = fmt.Errorf("table %q: want quality, cost or changes", name)
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(stdout)
	}
	return nil
}

// writeSheet writes the picture of the font in a file.
func writeSheet(out io.Writer, path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	m, err := metric.Sheet(b)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return png.Encode(out, m)
}

// findTools returns the chafas at paths, without those that are not there.
func findTools(ctx context.Context, paths []string, stderr io.Writer) (tools []*tool, err error) {
	for _, path := range paths {
		t, err := findChafa(ctx, path)
		switch {
		case errors.Is(err, exec.ErrNotFound):
			fmt.Fprintf(stderr, "lookbench: %s is not installed: left out\n", path)
			continue
		case err != nil:
			return nil, err
		}
		if !t.octants {
			fmt.Fprintf(stderr, "lookbench: %s draws no octants here: left out\n", t.name)
		}
		tools = append(tools, t)
	}
	return tools, nil
}

// methods returns all methods, those of a class together.
func methods(tools []*tool, stderr io.Writer) []method {
	list := ours()
	for _, t := range tools {
		list = append(list, t.methods()...)
	}
	if path, err := exec.LookPath("jp2a"); err == nil {
		list = append(list, jp2aMethods(path)...)
	} else {
		fmt.Fprintln(stderr, "lookbench: jp2a is not installed: left out")
	}
	slices.SortStableFunc(list, func(a, b method) int { return slices.Index(classes, a.class) - slices.Index(classes, b.class) })
	return list
}
