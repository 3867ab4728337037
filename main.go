// Command s2c is a video and audio call in a terminal, sealed end to end.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/sanix-darker/s2c/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal kills
	os.Exit(cli.Main(ctx, cli.OS()))
}
