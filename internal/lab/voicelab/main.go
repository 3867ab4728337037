// Command voicelab prints how a voice sounds that goes through whole s2c programs
// and a bad network:
//
//	go run ./internal/lab/voicelab                        every row, 60 s of speech each
//	go run ./internal/lab/voicelab -only clean,10,10x3    some of them
//	go run ./internal/lab/voicelab -pesq ./pesqwb         with PESQ scores
//	go run ./internal/lab/voicelab -speech a.wav          somebody else speaks
//	go run ./internal/lab/voicelab -keep DIR              keeps what was said and heard
//
// A hub and its members run as processes on hosts of their own, which
// internal/lab/network joins. The members' microphones and speakers are files.
// Every way from one member to another takes 20 ms. The first row is such a path;
// in the others the receiver's path has jitter of 0 to 30 ms, in order, and loses
// packets: each with the same chance, or 3 in a row on average ("10x3"). "thin" is
// a member with a link of 64 kbit/s both ways, with a queue of 300 ms;
// "thin-video" is the same while the others send pictures; "modem" has 33.6 kbit/s
// both ways, a queue of a second, pictures, and --thin. "four" and "ten" are
// calls in which all speak at the same time.
//
// In the modem rows the members are no processes of s2c but of this program: its
// engine without a screen, which sees. A clip of a person runs before their cameras,
// and each looks at the other in 60x20 cells: as letters, which are 60x20 pixels,
// or in "modem-blocks" as half blocks, 60x40. In "modem-found" there is no --thin, so
// that the members have to find out. Beside each picture that it gets it has
// the same picture of the clip, scaled as the sender's encoder got it. Their second
// table: pictures a second; the SSIM of their luma, median and 5th percentile; how
// long ago they were taken when they are ready to be shown, in time with the voice,
// median and 95th percentile; and the voice's added delay and that age, the means
// of the first minute, of the last and of the worst, or of halves of what is shorter.
// "modem-start" begins on such a line, in whose way nothing was before, and has a
// table of the time since bob's process began: what each hears and sees of the other.
// Its columns are the voice's delay, as told, in the middle and at most; the chunks
// made up; pictures; their ages in the middle and at most; and what goes through
// the line.
//
// The rows that are called gap- are accidents of the way between bob and the hub, or
// of the hub, while both make a sound without a pause: UDP that does not get through,
// from the start or from some moment on, a router that forgets its bindings, a
// network that goes and comes back, a hub that is started again a second later. Their
// columns: the longest silence and all of it, and the packets made up, of what each
// hears of the other; how bob's datagrams travel before and at the end; how often
// bob's connection was lost; and whether both have the places that they had.
//
// Columns: kbit/s that the speaker sends, whole frames of Ethernet counted; the
// share of the frames to the receiver that the wire lost; by how much the voice
// came later than on the clean path at the start of the same call, by correlation
// of a second at a time, mean and 95th percentile; the delay that the receiver
// itself tells; of the chunks that were played, the shares that were made up,
// came as copies and were restored from FEC, as the receiver tells; milliseconds
// of plain silence where there was speech; how often a connection was lost, from
// the moment at which the network turned bad; the share of the seconds of speech that
// were found; and PESQ-WB, P.862.2, of pieces of 7 to 10 s, if four fifths were
// found, beside that of Opus without help at 24 kbit/s on the same losses.
//
// PESQ is a program that takes two files, of 16 kHz, 16 bits, mono, raw, and
// prints the score last. Without one its columns are empty. What is not known is
// "-". The speech is that of Debian's pocketsphinx-testdata and flite. It takes
// Linux, root, iproute2 and ffmpeg.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"

	engine "github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/lab/network"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/lab/speech"
)

// options are what the flags say.
type options struct {
	speech  string
	pesq    string
	keep    string
	only    []string
	seconds int
	settle  time.Duration
	atOnce  int
	fps     int
	seed    uint64
}

// A lab is what all rows share.
type lab struct {
	options
	s2c  *program.Program
	dir  string
	log  io.Writer
	film sync.Mutex // while the clip is written
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "voicelab:", err)
		os.Exit(1)
	}
}

// run is the command with its arguments.
func run(ctx context.Context, args []string, out, log io.Writer) error {
	if len(args) > 0 && args[0] == watching {
		return watch(ctx, args[1:], out, log)
	}
	l := &lab{log: log}
	flags := flag.NewFlagSet("voicelab", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.StringVar(&l.speech, "speech", "", "a `file` with speech that FFmpeg reads, of which 2 minutes are used")
	flags.StringVar(&l.pesq, "pesq", "", speech.PESQFlag)
	flags.StringVar(&l.keep, "keep", "", "a `directory` for the sound of every row")
	only := flags.String("only", "", "`names` of rows, separated by commas (default all: "+strings.Join(names(), ",")+")")
	flags.IntVar(&l.seconds, "seconds", 60, "how long to measure each row")
	flags.DurationVar(&l.settle, "settle", 8*time.Second, "how long a call has to get used to the network")
	flags.IntVar(&l.atOnce, "at-once", 2, "how many calls of two to run at the same time")
	flags.IntVar(&l.fps, "fps", 5, "pictures a second that those on a modem look at")
	flags.Uint64Var(&l.seed, "seed", 1, "of losses and jitter")
	if err := flags.Parse(args); err != nil {
		return err
	}
	l.only = names()
	if *only != "" {
		l.only = strings.Split(*only, ",")
	}
	for _, name := range l.only {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("no row is called %q: there are %s", name, strings.Join(names(), ", "))
		}
	}
	if l.seconds < leastSeconds || l.seconds > mostSeconds || l.atOnce < 1 || l.fps < 1 {
		return fmt.Errorf("%d seconds, %d at once, %d pictures a second: want %d to %d, 1 or more, and 1 or more",
			l.seconds, l.atOnce, l.fps, leastSeconds, mostSeconds)
	}
	var err error
	if l.dir, err = os.MkdirTemp("", "voicelab"); err != nil {
		return err
	}
	defer os.RemoveAll(l.dir)
	if l.s2c, err = program.Build(ctx, l.dir); err != nil {
		return err
	}
	if err := l.pairs(ctx, out); err != nil {
		return err
	}
	for _, c := range crowds {
		if slices.Contains(l.only, c.name) {
			if err := l.crowd(ctx, out, c); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	if err := l.gaps(ctx, out); err != nil {
		return err
	}
	if slices.Contains(l.only, modemStart) {
		if err := l.start(ctx, out); err != nil {
			return fmt.Errorf("%s: %w", modemStart, err)
		}
	}
	return nil
}

const (
	leastSeconds = 2
	mostSeconds  = 500 // what a speaker's file of 10 minutes holds, with some before

	mostClean = 6 // seconds that are measured, at most, before the network turns bad

	leg       = 10 * time.Millisecond
	jitter    = 30 * time.Millisecond
	thinRate  = 64 // kbit/s
	modemRate = 33.6

	// modemSettle is how much longer a call takes to get used to a modem.
	modemSettle = 16 * time.Second
	queue       = 300 * time.Millisecond
)

// A case is a call of two: alice speaks, and is heard by bob, whose path is bad.
type testCase struct {
	name   string
	down   network.Shape // to bob
	up     network.Shape // from bob
	plain  bool          // Opus without help stands beside it
	both   bool          // what alice hears is of interest too
	camera string        // of both
	thin   bool          // both run with --thin
	view   engine.View   // how both look at each other, with eyes; zero for none
}

// cases lists the calls of two.
func cases() []testCase {
	list := []testCase{{name: "clean", plain: true}}
	for _, burst := range []float64{1, 3} {
		for _, percent := range []int{0, 1, 5, 10, 20} {
			name := fmt.Sprint(percent)
			if burst > 1 {
				if percent == 0 {
					continue
				}
				name = fmt.Sprintf("%dx%.0f", percent, burst)
			}
			list = append(list, testCase{
				name: name, plain: true,
				down: network.Shape{Loss: float64(percent) / 100, Burst: burst, Jitter: jitter},
			})
		}
	}
	thin := network.Shape{Rate: thinRate, Queue: queue}
	return append(list,
		testCase{name: "thin", down: thin, up: thin, both: true},
		testCase{name: "thin-video", down: thin, up: thin, both: true, camera: "test"},
		testCase{name: "modem", down: modem, up: modem, both: true, thin: true, view: cells(letters)},
		testCase{name: "modem-found", down: modem, up: modem, both: true, view: cells(letters)},
		testCase{name: "modem-blocks", down: modem, up: modem, both: true, thin: true, view: cells(!letters)})
}

// modem is what becomes of both ways through a modem.
var modem = network.Shape{Rate: modemRate, Queue: time.Second}

// names lists all rows.
func names() []string {
	var list []string
	for _, c := range cases() {
		list = append(list, c.name)
	}
	for _, c := range crowds {
		list = append(list, c.name)
	}
	for _, a := range accidents {
		list = append(list, a.name)
	}
	return append(list, modemStart)
}
