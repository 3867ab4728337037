package rate

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestReportEncoding(t *testing.T) {
	for _, tt := range []struct {
		r    Report
		want string
	}{
		{Report{}, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
		{Report{Newest: 0x01020304, Packets: 0x0506, Bytes: 0x0708090a, Time: 0x0b0c0d}, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d"},
		{Report{Time: 1, N: 2, Samples: [MaxSamples]Sample{{1, -2}, {255, 32767}}}, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + "\x01\xff\xfe" + "\xff\x7f\xff"},
	} {
		b := tt.r.Append(nil)
		if string(b) != tt.want {
			t.Errorf("%+v is %x, want %x", tt.r, b, tt.want)
		}
		if got, err := Parse(b); err != nil || got != tt.r {
			t.Errorf("Parse(%x) = %+v, %v, want %+v", b, got, err, tt.r)
		}
	}
	for _, b := range []string{"", "123456789012", "12345678901234", "1234567890123\x00\x01\x02", string(bytes.Repeat([]byte{1}, MaxReport+sampleSize))} {
		if r, err := Parse([]byte(b)); !errors.Is(err, ErrMalformed) {
			t.Errorf("Parse(%x) = %+v, %v, want that it is malformed", b, r, err)
		}
	}
}

// FuzzParse has any bytes come as a report, also to one who has sent something.
func FuzzParse(f *testing.F) {
	f.Add((&Report{}).Append(nil))
	f.Add((&Report{Newest: 100, Packets: 90, Bytes: 1 << 20, Time: 1 << 23}).Append(nil))
	f.Add((&Report{Newest: 1<<32 - 1, Packets: 90, Time: 1 << 23, N: 3, Samples: [MaxSamples]Sample{{1, -1}, {2, 32767}, {200, -32768}}}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(b)
		if err != nil {
			return
		}
		if again := r.Append(nil); !bytes.Equal(again, b) {
			t.Errorf("Parse(%x) encodes as %x", b, again)
		}
		var s Sender
		now := start
		for i := range 300 {
			now = now.Add(time.Millisecond)
			s.Sent(uint64(i+1), 1000, true, now)
			if i%100 == 50 {
				s.Take(r, now)
				r.Newest += 50
			}
		}
		st := s.State(now)
		if st.Rate < 0 || st.Rate != 0 && st.Rate < least || st.Loss < 0 || st.Loss > 1 || st.Queue < 0 {
			t.Errorf("after %x: %+v", b, st)
		}
		if !s.Allow(100, Urgent, now) {
			t.Errorf("after %x voice does not go", b)
		}
	})
}

// arrival is a packet that comes.
type arrival struct {
	counter uint64
	size    int
	ms      float64
	lone    bool // with nothing but a report
}

func TestReceiver(t *testing.T) {
	type due struct {
		ms float64
		r  Report
	}
	for _, tt := range []struct {
		name     string
		arrivals []arrival
		want     []due
	}{
		{"the first at once", []arrival{{5, 100, 0, false}}, []due{{0, Report{Newest: 5, Packets: 1, Bytes: 100}}}},
		{
			"then every 50 ms",
			[]arrival{{1, 100, 0, false}, {2, 500, 20, false}, {3, 500, 40, false}, {4, 500, 50, false}, {5, 500, 60, false}},
			[]due{
				{0, Report{Newest: 1, Packets: 1, Bytes: 100}},
				{50, Report{Newest: 4, Packets: 4, Bytes: 1600, Time: 500, N: 2, Samples: [MaxSamples]Sample{{2, 300}, {1, 100}}}},
			},
		},
		{
			"or 200 ms where little comes",
			[]arrival{{1, 100, 0, false}, {2, 90, 50, false}, {3, 90, 100, false}, {4, 90, 150, false}, {5, 90, 180, false}, {6, 90, 190, false}, {7, 90, 201, false}},
			[]due{
				{0, Report{Newest: 1, Packets: 1, Bytes: 100}},
				{201, Report{Newest: 7, Packets: 7, Bytes: 640, Time: 2010, N: 5, Samples: [MaxSamples]Sample{{5, 1510}, {4, 1010}, {3, 510}, {2, 210}, {1, 110}}}},
			},
		},
		{
			"or 400 ms where few packets come",
			[]arrival{{1, 100, 0, false}, {2, 150, 190, false}, {3, 150, 201, false}, {4, 150, 390, false}, {5, 150, 400, false}},
			[]due{
				{0, Report{Newest: 1, Packets: 1, Bytes: 100}},
				{400, Report{Newest: 5, Packets: 5, Bytes: 700, Time: 4000, N: 3, Samples: [MaxSamples]Sample{{3, 2100}, {2, 1990}, {1, 100}}}},
			},
		},
		{
			"not what came at once after a pause, until all has",
			[]arrival{{1, 100, 0, false}, {2, 900, 100, false}, {3, 900, 101, false}, {4, 900, 106, false}},
			[]due{
				{0, Report{Newest: 1, Packets: 1, Bytes: 100}},
				{106, Report{Newest: 4, Packets: 4, Bytes: 2800, Time: 1060, N: 1, Samples: [MaxSamples]Sample{{2, 60}}}},
			},
		},
		{
			"and 400 ms where all comes after pauses",
			[]arrival{{1, 100, 0, false}, {2, 100, 190, false}, {3, 100, 380, false}, {4, 100, 401, false}},
			[]due{
				{0, Report{Newest: 1, Packets: 1, Bytes: 100}},
				{401, Report{Newest: 4, Packets: 4, Bytes: 400, Time: 4010, N: 2, Samples: [MaxSamples]Sample{{2, 2110}, {1, 210}}}},
			},
		},
		{
			"not for reports, which count",
			[]arrival{{1, 100, 0, false}, {2, 50, 300, true}, {3, 50, 600, true}, {4, 100, 900, false}},
			[]due{
				{0, Report{Newest: 1, Packets: 1, Bytes: 100}},
				{900, Report{Newest: 4, Packets: 4, Bytes: 300, Time: 9000, N: 2, Samples: [MaxSamples]Sample{{2, 6000}, {1, 3000}}}},
			},
		},
		{
			"lost and overtaken",
			[]arrival{{1, 100, 0, false}, {300, 900, 10, false}, {9, 900, 30, false}, {299, 900, 51, false}},
			[]due{
				{0, Report{Newest: 1, Packets: 1, Bytes: 100}},
				{51, Report{Newest: 300, Packets: 4, Bytes: 2800, Time: 100, N: 1, Samples: [MaxSamples]Sample{{1, -410}}}},
			},
		},
	} {
		var r Receiver
		var got []due
		for _, a := range tt.arrivals {
			now := start.Add(time.Duration(a.ms * float64(ms)))
			r.Arrive(a.counter, a.size, !a.lone, now)
			if r.Due(now) {
				got = append(got, due{a.ms, r.Report(now)})
			}
		}
		if len(got) != len(tt.want) {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
			continue
		}
		for i, d := range got {
			if d != tt.want[i] {
				t.Errorf("%s: report at %v ms is %+v, want %+v at %v ms", tt.name, d.ms, d.r, tt.want[i].r, tt.want[i].ms)
			}
		}
	}
}

func TestTimes(t *testing.T) {
	var s times
	if _, ok := s.get(0); ok || len(s.ring) != 0 {
		t.Error("something is known of what was never sent")
	}
	// 1000 packets a second, but each hundredth is of somebody else.
	for c := uint64(1); c <= 10_000; c++ {
		if c%100 != 0 {
			s.put(c, uint32(10*c))
		}
	}
	for _, tt := range []struct {
		counter uint64
		ok      bool
	}{{9_999, true}, {9_998, true}, {9_900, false}, {8_001, true}, {10_000, false}, {1, false}, {5_000, false}} {
		if at, ok := s.get(tt.counter); ok != tt.ok || ok && at != uint32(10*tt.counter) {
			t.Errorf("packet %d was sent at %d, %v, want %v", tt.counter, at, ok, tt.ok)
		}
	}
	if n := len(s.ring); n != 2048 {
		t.Errorf("the ring has %d entries, want 2048", n)
	}
	s.put(1_000_000, 7)
	if _, ok := s.get(999_999); ok {
		t.Error("a packet that was not sent is known")
	}
	for _, tt := range []struct {
		low  uint32
		want uint64
		ok   bool
	}{{1_000_000, 1_000_000, true}, {1, 1, true}, {0, 0, false}, {1_000_001, 0, false}} {
		if got, ok := s.whole(tt.low); ok != tt.ok || ok && got != tt.want {
			t.Errorf("whole(%d) = %d, %v, want %d, %v", tt.low, got, ok, tt.want, tt.ok)
		}
	}
	var far times
	far.put(1<<32+5, 1)
	if got, ok := far.whole(1<<32 - 1); !ok || got != 1<<32-1 {
		t.Errorf("whole over the end of 32 bits = %d, %v", got, ok)
	}
}

// TestLow checks what is the least while it goes up and down.
func TestLow(t *testing.T) {
	var b low
	for _, tt := range []struct {
		sec   float64
		v     int32
		keep  bool
		above int32
	}{
		{0, 100, false, 0},
		{1, 90, false, 0},
		{2, 120, false, 30},
		{9, 200, false, 110},
		{11, 200, false, 110}, // the span before counts
		{22, 200, false, 0},   // and then not any more
		{33, 250, true, 50},
		{44, 250, true, 50},
		{55, 250, true, 50},
		{56, 180, false, 0},
		{300, 400, false, 0}, // after a long pause it begins anew
	} {
		if got := b.take(tt.v, tt.keep, start.Add(time.Duration(tt.sec*float64(time.Second)))); got != tt.above {
			t.Errorf("after %v s %d is %d above the least, want %d", tt.sec, tt.v, got, tt.above)
		}
	}
}
