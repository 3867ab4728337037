// Package person has identities for tests: RSA-2048 keys that are public, so
// that tests need not make their own, and fuzz workers all have the same.
package person

import (
	"embed"
	"fmt"
	"sync"
	"testing"

	"github.com/sanix-darker/s2c/cipher/identity"
)

// Count is how many identities there are.
const Count = 16

//go:embed testdata/*.pem
var files embed.FS

var (
	mu   sync.Mutex
	made [Count]*identity.Identity
)

// Identity returns identity number i, modulo Count.
func Identity(tb testing.TB, i int) *identity.Identity {
	tb.Helper()
	mu.Lock()
	defer mu.Unlock()
	i %= Count
	if made[i] == nil {
		id, err := identity.Parse(PEM(tb, i), nil)
		if err != nil {
			tb.Fatalf("identity %d: %v", i, err)
		}
		made[i] = id
	}
	return made[i]
}

// PEM returns the private key of identity number i, modulo Count.
func PEM(tb testing.TB, i int) []byte {
	tb.Helper()
	b, err := files.ReadFile(fmt.Sprintf("testdata/%d.pem", i%Count))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
