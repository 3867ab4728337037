//go:build !linux

// Command cast records what a program shows in a terminal, on Linux.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "cast: error: it makes terminals as Linux does")
	os.Exit(1)
}
