package ctl

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// A Call is what commands are done to. Its methods may be called by any
// goroutine.
type Call interface {
	// Do does what a line says. The error's text is clean for a terminal.
	Do(line string) error

	// Status returns how the call stands.
	Status() Status
}

// A Server answers for a call.
type Server struct {
	call Call

	mu      sync.Mutex
	talkers int // connections that have said "talk"
}

// NewServer returns a Server for a call.
func NewServer(c Call) *Server { return &Server{call: c} }

// Serve answers those who connect to ln, until ctx is done; it closes ln.
// All that they have begun has ended when it returns.
func (s *Server) Serve(ctx context.Context, ln net.Listener) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	defer ln.Close()
	room := make(chan struct{}, MaxConns)
	for {
		conn, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			if !pause(ctx, time.Second) { // out of descriptors, most likely
				return
			}
			continue
		}
		select {
		case room <- struct{}{}:
		default:
			refuse(conn, "too many programs speak to this call; end one of them")
			continue
		}
		if err := checkPeer(conn); err != nil {
			refuse(conn, err.Error())
			<-room
			continue
		}
		all.Go(func() {
			defer func() { <-room }()
			defer conn.Close()
			s.converse(ctx, conn)
		})
	}
}

// pause waits, and reports whether ctx still lives.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// refuse says why somebody is not listened to.
func refuse(conn net.Conn, why string) {
	_ = conn.SetDeadline(time.Now().Add(IdleTime))
	_ = write(conn, Answer{Error: why}) // they may be gone
	conn.Close()
}

// converse answers the commands on conn until its end or that of ctx. The answer
// to the command that ends the call is still sent.
func (s *Server) converse(ctx context.Context, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	talking := false
	defer func() {
		if talking {
			s.hush()
		}
	}()
	in := bufio.NewReaderSize(conn, MaxLine+1)
	for {
		if err := conn.SetDeadline(time.Now().Add(IdleTime)); err != nil || ctx.Err() != nil {
			return
		}
		b, err := readLine(in)
		if errors.Is(err, errLong) {
			_ = write(conn, Answer{Error: fmt.Sprintf("a command has at most %d bytes", MaxLine)})
			return
		}
		if err != nil {
			return
		}
		if err := write(conn, s.answer(strings.TrimSpace(string(b)), &talking)); err != nil {
			return
		}
	}
}

// answer does what a line says. talking is whether this connection has said
// "talk".
func (s *Server) answer(line string, talking *bool) Answer {
	var err error
	switch line {
	case "status":
		status := s.call.Status()
		return Answer{OK: true, Status: &status}
	case "talk":
		if !*talking {
			err = s.talk()
			*talking = err == nil
		}
	case "hush":
		if *talking {
			s.hush()
			*talking = false
		} else {
			err = s.call.Do(line)
		}
	default:
		err = s.call.Do(line)
	}
	if err != nil {
		return Answer{Error: err.Error()}
	}
	return Answer{OK: true}
}

// talk lets the person be heard, for as long as any connection wants it.
func (s *Server) talk() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.call.Do("talk"); err != nil {
		return err
	}
	s.talkers++
	return nil
}

// hush ends what one talk has begun.
func (s *Server) hush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.talkers--; s.talkers == 0 {
		_ = s.call.Do("hush") // what began can end
	}
}

// write sends an answer.
func write(conn net.Conn, a Answer) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = conn.Write(append(b, '\n'))
	return err
}
