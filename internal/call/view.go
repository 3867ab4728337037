package call

// A View is how a screen shows the pictures of a member.
type View struct {
	Slot          uint16
	Width, Height int  // of the tile, in pixels that it can show
	FPS           int  // pictures per second that it shows at most
	Colour        bool // it shows colours
}

// Watch says whose pictures a screen shows and how, in place of what was said
// before: nobody sends more pixels, pictures or colours than somebody looks
// at. At most 64 views count. It may be called for each picture painted; what
// is new is passed on at once, but for tiles that shrink or vanish, which may
// be on their way to another size. A Call on which it was never called, as
// one without a screen, is sent everybody's pictures in the sender's size.
// views is copied.
func (c *Call) Watch(views []View) {}

// WatchSelf says how a screen shows the own picture. Its Slot is not used.
func (c *Call) WatchSelf(v View) {}
