package transport

// SendDatagrams is SendDatagram for several, which over UDP go into one packet as
// far as they fit: so they have one head.
func (c *conn) SendDatagrams(list [][]byte) error {
	for len(list) > 0 {
		to := c.target.Load()
		if to == nil || len(list) == 1 || c.ended.Load() {
			if err := c.SendDatagram(list[0]); err != nil {
				return err
			}
			list = list[1:]
			continue
		}
		if c.scratch == nil {
			c.scratch = new(packet)
		}
		n, at := 0, packetHead
		for _, b := range list {
			if len(b) > MaxDatagram || at+frameHead+len(b) > maxPacket-tagSize {
				break
			}
			putFrameHead(c.scratch.buf[at:], frameDatagram, len(b))
			at += frameHead + copy(c.scratch.buf[at+frameHead:], b)
			n++
		}
		if n == 0 { // too long for any packet, which SendDatagram says
			return c.SendDatagram(list[0])
		}
		c.writeUDP(c.sealer.sealFrames(c.scratch, at-packetHead), *to)
		list = list[n:]
	}
	return nil
}

var _ Bundler = (*conn)(nil)
