package hubload

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// processors returns on how many processors what is started now may run.
func processors(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("nproc").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestAlone(t *testing.T) {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	before, inside := processors(t), ""
	restore, err := Alone(func() error {
		inside = processors(t)
		return errors.ErrUnsupported
	})
	if inside != "1" || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Alone starts processes on %s processors, and returns %v", inside, err)
	}
	var now unix.CPUSet
	if err := unix.SchedGetaffinity(0, &now); err != nil || all.Count() > 1 && now.Count() != all.Count()-1 {
		t.Errorf("%d of %d processors are left meanwhile, %v", now.Count(), all.Count(), err)
	}
	restore()
	if got := processors(t); got != before {
		t.Errorf("%s processors afterwards, %s before", got, before)
	}
}
