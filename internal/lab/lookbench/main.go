// Command lookbench measures the looks of package ascii: how much of a picture
// is left, what it costs, and how still a still picture is. It runs chafa and
// jp2a beside them where they are installed.
//
//	go run ./internal/lab/lookbench                          everything
//	go run ./internal/lab/lookbench -tables classes          only that: classes, quality, cost, sizes, changes
//	go run ./internal/lab/lookbench -cells 40x20             quality in another grid
//	go run ./internal/lab/lookbench -font noto -held         in another font, with pictures that no parameter was chosen with
//	go run ./internal/lab/lookbench -chafa ~/src/chafa       another chafa too; may be repeated
//	go run ./internal/lab/lookbench -save DIR                keep what is drawn as PNG files
//	go run ./internal/lab/lookbench -sheet F.ttf > f.png     the picture of a font for metric/fonts
//
// Quality is the metric of package metric; the table of classes has the best of
// each class of what terminals can do, with the others beside. Costs are CPU time
// for new scenes, in which nothing can be kept, and for others. Octants of chafa are
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
	tables := flags.String("tables", "classes,quality,cost,sizes,changes", "which tables to print")
	cells := flags.String("cells", "80x30", "`grid` of cells to measure quality in, of 8x16 pixels each")
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
	q := trial{font: *font, names: metric.Pictures, save: *save}
	if *held {
		q.names = metric.HeldOut
	}
	if n, err := fmt.Sscanf(*cells, "%dx%d", &q.cols, &q.rows); n != 2 || err != nil || q.cols < 1 || q.rows < 1 {
		return fmt.Errorf("grid %q: want columns and rows, as 80x30", *cells)
	}
	b := bench{tools: tools, methods: methods(tools, stderr), trial: q, rounds: max(*rounds, 1)}
	for name := range strings.SplitSeq(*tables, ",") {
		if err := b.table(ctx, stdout, name); err != nil {
			return err
		}
		fmt.Fprintln(stdout)
	}
	return nil
}

// A bench is what tables are made of.
type bench struct {
	tools   []*tool
	methods []method
	trial   trial
	rounds  int
	scores  []metric.Score // of methods, once they are measured
}

// table prints the table of a name.
func (b *bench) table(ctx context.Context, out io.Writer, name string) (err error) {
	if (name == "classes" || name == "quality") && b.scores == nil {
		if b.scores, err = b.trial.measure(ctx, b.methods); err != nil {
			return err
		}
	}
	switch name {
	case "classes":
		return compare(out, b.trial, b.methods, b.scores)
	case "quality":
		return quality(out, b.trial, b.methods, b.scores)
	case "cost":
		return costs(ctx, out, b.tools, b.rounds)
	case "sizes":
		return sizes(out, b.rounds)
	case "changes":
		return changes(out, "face")
	default:
		return fmt.Errorf("table %q: want classes, quality, cost, sizes or changes", name)
	}
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
