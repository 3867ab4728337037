package transport

import (
	"net/netip"
	"slices"
)

// A door knows who waits to be let in, by address.
type door struct {
	most, mostPerAddress int
	inside               int
	addresses            map[netip.Addr][]*countedConn // the longest there first
}

func newDoor(most, mostPerAddress int) door {
	return door{most: most, mostPerAddress: mostPerAddress, addresses: make(map[netip.Addr][]*countedConn)}
}

// enter reports whether there is room for one more from that address. leave must
// follow if there is. When all is full there still is for an address that has fewer
// inside than another: out is who has to go for it, and has left.
func (d *door) enter(from netip.Addr, c *countedConn) (out *countedConn, ok bool) {
	key := doorKey(from)
	have := len(d.addresses[key])
	if have >= d.mostPerAddress {
		return nil, false
	}
	if d.inside >= d.most {
		var crowd netip.Addr
		for a, list := range d.addresses {
			if len(list) > len(d.addresses[crowd]) {
				crowd = a
			}
		}
		if len(d.addresses[crowd]) <= have+1 {
			return nil, false
		}
		out = d.addresses[crowd][0]
		d.leave(crowd, out)
	}
	d.inside++
	d.addresses[key] = append(d.addresses[key], c)
	return out, true
}

// leave gives back what enter took, once.
func (d *door) leave(from netip.Addr, c *countedConn) {
	key := doorKey(from)
	list := d.addresses[key]
	i := slices.Index(list, c)
	if i < 0 {
		return
	}
	d.inside--
	if list = slices.Delete(list, i, i+1); len(list) == 0 {
		delete(d.addresses, key)
		return
	}
	d.addresses[key] = list
}

// doorKey returns what counts as one address: an IPv6 host has a whole /64.
func doorKey(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		prefix, err := a.Prefix(64)
		if err != nil {
			panic("transport: internal error: " + err.Error())
		}
		return prefix.Addr()
	}
	return a
}

// A turnConn is a connection whose handshake has a slot, but not while it waits for
// the other end, which may let it wait for long. Its handshake is the only one who
// reads meanwhile.
type turnConn struct {
	*countedConn
	slots chan struct{}
	over  bool // the handshake is
}

// Read implements net.Conn.
func (c *turnConn) Read(b []byte) (int, error) {
	if c.over {
		return c.countedConn.Read(b)
	}
	<-c.slots
	defer func() { c.slots <- struct{}{} }() // others hold one for no longer than they compute
	return c.countedConn.Read(b)
}
