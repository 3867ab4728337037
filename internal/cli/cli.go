// Package cli is the command line of s2c: commands, flags, environment, exit
// codes, and errors turned into hints.
package cli

import (
	"io"
	"os"
)

// An Env is what a command may use of the process.
type Env struct {
	Args           []string // without the program's name
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
}

// OS returns the Env of this process.
func OS() Env {
	return Env{Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv}
}

// Main runs the command that e asks for and returns the exit code.
func Main(Env) int { return 1 }
