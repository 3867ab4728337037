// Command s2c is a video and audio call in a terminal, sealed end to end.
package main

import (
	"os"

	"github.com/sanix-darker/s2c/internal/cli"
)

func main() {
	os.Exit(cli.Main(cli.OS()))
}
