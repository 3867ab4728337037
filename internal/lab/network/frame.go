package network

import "encoding/binary"

// A frame is as packet sockets with PACKET_VNET_HDR have it: what is still to be
// done to it (struct virtio_net_hdr), Ethernet's header, and an IPv4 packet. The
// first part goes along, as checksums of local senders are made by nobody but
// network cards.
const (
	offloadSize  = 10
	etherSize    = 14
	ipSize       = 20
	udpSize      = 8
	source       = 0 // places in UDP's header
	destination  = 2
	needsCRC     = 1  // in the first byte: the checksum covers only addresses and length
	protoUDP     = 17 // in IPv4's header
	firstMapped  = 20000
	mappedEach   = 500 // ports of a binding
	mostBindings = 80  // before ports are used again
	lastHardware = offloadSize + 5
)

// hardware returns the last byte of the receiver's hardware address.
func hardware(frame []byte) int { return int(frame[lastHardware]) }

// udpOf returns the UDP header in a frame, or nil if it has none.
func udpOf(frame []byte) []byte {
	if len(frame) < offloadSize+etherSize+ipSize {
		return nil
	}
	ip := frame[offloadSize+etherSize:]
	head := int(ip[0]&15) * 4
	later := binary.BigEndian.Uint16(ip[6:])&0x1fff != 0 // a piece of a datagram but the first
	if ip[9] != protoUDP || later || head < ipSize || len(ip) < head+udpSize {
		return nil
	}
	return ip[head:]
}

// setPort changes a port, which is at some place of a frame's UDP header, and the
// checksum with it.
func setPort(frame, udp []byte, place int, to uint16) {
	from := binary.BigEndian.Uint16(udp[place:])
	binary.BigEndian.PutUint16(udp[place:], to)
	crc := udp[6:8]
	old := binary.BigEndian.Uint16(crc)
	if frame[0]&needsCRC != 0 || old == 0 {
		return
	}
	sum := uint32(^old) + uint32(^from) + uint32(to) // RFC 1624, equation 3
	sum = sum&0xffff + sum>>16
	sum = sum&0xffff + sum>>16
	if crc[0], crc[1] = byte(^sum>>8), byte(^sum); crc[0]|crc[1] == 0 {
		crc[0], crc[1] = 0xff, 0xff // zero means that there is none
	}
}

// A nat maps the UDP ports of a host behind it to others, one to one. The zero nat
// is not there.
type nat struct {
	outside  map[uint16]uint16 // by inside
	inside   map[uint16]uint16 // by outside
	bindings int
	next     uint16
}

// rebind forgets all mappings.
func (n *nat) rebind() {
	n.next = uint16(firstMapped + n.bindings%mostBindings*mappedEach)
	n.bindings++
	n.outside, n.inside = make(map[uint16]uint16), make(map[uint16]uint16)
}

// out changes the source of a frame that the host sends.
func (n *nat) out(frame []byte) {
	udp := udpOf(frame)
	if n.outside == nil || udp == nil {
		return
	}
	port := binary.BigEndian.Uint16(udp[source:])
	to, ok := n.outside[port]
	if !ok {
		to = n.next
		n.next++
		n.outside[port], n.inside[to] = to, port
	}
	setPort(frame, udp, source, to)
}

// in changes the destination of a frame for the host, and reports false if there
// is none.
func (n *nat) in(frame []byte) bool {
	udp := udpOf(frame)
	if n.outside == nil || udp == nil {
		return true
	}
	to, ok := n.inside[binary.BigEndian.Uint16(udp[destination:])]
	if ok {
		setPort(frame, udp, destination, to)
	}
	return ok
}
