package v4l2

import "unsafe"

// The controls that are touched; the package comment says why.
const (
	// exposureDynamicFramerate is V4L2_CID_EXPOSURE_AUTO_PRIORITY: 1 lets the
	// camera halve its rate in dim light, 0 makes it keep the rate.
	exposureDynamicFramerate = 0x009a0903

	// powerLineFrequency is V4L2_CID_POWER_LINE_FREQUENCY.
	powerLineFrequency = 0x00980918

	powerLineOff  = 0
	powerLineAuto = 3 // 1 is 50 Hz, 2 is 60 Hz
)

// tame sets the controls as a call wants them and remembers how they were. A
// camera without one of them, or one that refuses, stays as it is.
func (d *device) tame() {
	if v, ok := d.control(exposureDynamicFramerate); ok && v != 0 {
		d.change(exposureDynamicFramerate, v, 0)
	}
	if v, ok := d.control(powerLineFrequency); ok && v == powerLineOff && d.highest(powerLineFrequency) >= powerLineAuto {
		d.change(powerLineFrequency, v, powerLineAuto)
	}
}

// restore puts the controls back that still are as tame has set them.
func (d *device) restore() {
	for _, c := range d.changed {
		tamed := int32(0)
		if c.id == powerLineFrequency {
			tamed = powerLineAuto
		}
		if v, ok := d.control(c.id); ok && v == tamed {
			_ = d.setControl(c.id, c.value) // the camera may be gone
		}
	}
	d.changed = nil
}

// change sets a control from one value to another.
func (d *device) change(id uint32, from, to int32) {
	if d.setControl(id, to) == nil {
		d.changed = append(d.changed, kernelControl{id, from})
	}
}

// control returns the value of a control. ok is false if there is none.
func (d *device) control(id uint32) (value int32, ok bool) {
	c := kernelControl{id: id}
	err := d.call(reqGetCtrl, unsafe.Pointer(&c))
	return c.value, err == nil
}

func (d *device) setControl(id uint32, value int32) error {
	return d.call(reqSetCtrl, unsafe.Pointer(&kernelControl{id, value}))
}

// highest returns the largest value that a control takes, -1 if there is none.
func (d *device) highest(id uint32) int32 {
	q := kernelQuery{id: id}
	if d.call(reqQueryCtrl, unsafe.Pointer(&q)) != nil || q.flags&ctrlDisabled != 0 {
		return -1
	}
	return q.high
}
