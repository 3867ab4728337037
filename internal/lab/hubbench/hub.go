package main

import (
	"context"
	"strconv"

	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/internal/hubload"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/transport"
)

// A hubRoom is a hub of s2c.
type hubRoom struct {
	program *program.Program
	process *program.Process
	who     *identity.Identity // of everybody
}

func (h *hubRoom) start(ctx context.Context) (pid int, err error) {
	if h.who, err = identity.Generate(); err != nil {
		return 0, err
	}
	const many = "100000"
	h.process, err = h.program.Hub(ctx, "--max-members", many, "--max-sessions", many,
		"--max-members-per-address", many, "--max-joins-per-minute", many)
	if err != nil {
		return 0, err
	}
	return h.process.PID(), nil
}

func (h *hubRoom) end() {
	if h.process != nil {
		h.process.End()
	}
}

func (h *hubRoom) join(ctx context.Context, i int) (hubload.Way, error) {
	return hubload.Join(ctx, hubload.Place{
		Dial: transport.DialConfig{Addr: h.process.Addr, Verify: func(string) error { return nil }},
		Who:  h.who, Session: "room" + strconv.Itoa(i/roomSize), Name: "member" + strconv.Itoa(i),
	})
}
