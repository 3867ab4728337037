package speech

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// PESQRate is that of the sound which PESQ compares, in Hz: P.862.2.
const PESQRate = 16000

// PESQFlag is what a command says of its flag for the program.
const PESQFlag = "a `program` that prints the MOS-LQO of P.862.2 for two files, what is said and what is heard, both raw, 16 bits, mono, 16 kHz"

var errNoScore = errors.New("the last word is no score")

// PESQ returns the score of what was heard beside what was said, of which both
// have PESQRate, from a program: the last word that it prints. The files for it
// are in dir.
func PESQ(ctx context.Context, program, dir string, said, heard []int16) (float64, error) {
	var names [2]string
	for i, pcm := range [...][]int16{said, heard} {
		names[i] = filepath.Join(dir, fmt.Sprintf("pesq-%d.raw", i))
		if err := os.WriteFile(names[i], appendSamples(nil, pcm), 0o600); err != nil {
			return 0, fmt.Errorf("write sound for PESQ: %w", err)
		}
	}
	out, err := output(exec.CommandContext(ctx, program, names[0], names[1]))
	if err != nil {
		return 0, fmt.Errorf("run %q: %w", program, err)
	}
	last := ""
	if words := strings.Fields(string(out)); len(words) > 0 {
		last = words[len(words)-1]
	}
	mos, err := strconv.ParseFloat(last, 64)
	if err != nil || !(1 <= mos && mos <= 5) {
		return 0, fmt.Errorf("%q printed %q: %w", program, out, errNoScore)
	}
	return mos, nil
}
