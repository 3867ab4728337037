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
		if len(list[0]) > MaxDatagram { // which SendDatagram says
			return c.SendDatagram(list[0])
		}
		list = list[c.sendPacket(list, *to):]
	}
	return nil
}

var _ Bundler = (*conn)(nil)
