package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A policy is a way to protect a voice.
type policy struct {
	name string
	fec  int   // percent of loss that Opus is told, 0 for no FEC, asLost for that of the link
	red  []int // how many packets before each are sent again with it
}

// asLost stands for the percent that the link loses.
const asLost = -1

// maxCopies is how many copies of packets a datagram has room for.
const maxCopies = 2

// told returns the percent that Opus is told for a link with that loss.
func (p policy) told(l loss) int {
	if p.fec == asLost {
		return max(l.percent, 1)
	}
	return p.fec
}

// parsePolicy reads "plain", or parts joined by "+": FEC, FEC and the percent
// that Opus is told, RED and how many packets before.
func parsePolicy(name string) (policy, error) {
	p := policy{name: name}
	if name == "plain" {
		return p, nil
	}
	for part := range strings.SplitSeq(name, "+") {
		if part == "FEC" {
			p.fec = asLost
			continue
		}
		kind, digits := part[:min(3, len(part))], part[min(3, len(part)):]
		n, err := strconv.ParseUint(digits, 10, 7)
		switch {
		case err != nil || n == 0:
			return p, fmt.Errorf("%q of policy %q is not FEC, FEC and a percent, or RED and a number", part, name)
		case kind == "FEC" && n <= 100:
			p.fec = int(n)
		case kind == "RED" && !slices.Contains(p.red, int(n)) && len(p.red) < maxCopies:
			p.red = append(p.red, int(n))
		default:
			return p, fmt.Errorf("%q of policy %q does not fit", part, name)
		}
	}
	return p, nil
}

// A loss is what the network does to packets.
type loss struct {
	percent int
	row     int // packets that are lost in a row
}

func (l loss) String() string {
	if l.row == 1 {
		return fmt.Sprintf("%d %%", l.percent)
	}
	return fmt.Sprintf("%d %% by %d", l.percent, l.row)
}

// parseLoss reads a percentage and, behind an x, how many are lost in a row.
func parseLoss(s string) (loss, error) {
	percent, row, several := strings.Cut(s, "x")
	l := loss{row: 1}
	p, err := strconv.ParseUint(percent, 10, 7)
	if err == nil && several {
		var n uint64
		n, err = strconv.ParseUint(row, 10, 7)
		l.row = int(n)
	}
	if l.percent = int(p); err != nil || l.percent > 90 || l.row < 1 {
		return l, fmt.Errorf("loss %q is not a percentage up to 90, or one, x, and how many in a row", s)
	}
	return l, nil
}

// parseList reads what is separated by commas.
func parseList[T any](s string, parse func(string) (T, error)) ([]T, error) {
	var all []T
	for word := range strings.SplitSeq(s, ",") {
		x, err := parse(word)
		if err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, nil
}
