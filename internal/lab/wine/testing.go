package wine

import (
	"os"
	"testing"

	"github.com/sanix-darker/s2c/internal/lab"
)

// Env is the environment variable that says that this machine is to have Wine.
// It is too big for every lab, so that lab.Env does not ask for it: with
// S2C_LAB_WINE=1 beside S2C_LAB=1, a test that lacks something of Wine fails, and
// with either alone it is skipped and says what it lacks.
const Env = "S2C_LAB_WINE"

// Need ends the test when err is not nil, which says what Wine lacks, as Env has it.
func Need(t testing.TB, err error) {
	t.Helper()
	if v, _ := os.LookupEnv(Env); err == nil || v != "" && v != "0" {
		lab.Need(t, err)
		return
	}
	t.Skipf("needs Wine: %v", err)
}
