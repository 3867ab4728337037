package call

import (
	"testing"
	"time"
)

func TestStrained(t *testing.T) {
	const some = 100 * time.Millisecond
	for _, tt := range []struct {
		name string
		l    load
		want bool
	}{
		{"idle", load{}, false},
		{"little goes, without delay", load{up: 40_000, down: 40_000}, false},
		{"limit unknown", load{queue: some}, false},
		{"limit without a queue", load{rate: 40_000}, false},
		{"limit and queue", load{rate: 40_000, queue: some}, true},
		{"wider", load{rate: thinBelow, queue: some}, false},
		{"late for all, and little goes", load{told: true, up: 30_000}, true},
		{"late for all, but much goes", load{told: true, up: thinBelow}, false},
		{"all come late, and little", load{late: true, down: 30_000}, true},
		{"all come late, but much", load{late: true, down: 200_000}, false},
	} {
		if got := tt.l.strained(); got != tt.want {
			t.Errorf("%s: strained %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestStrain follows a link second by second.
func TestStrain(t *testing.T) {
	bad, good := load{late: true, down: 30_000}, load{}
	elsewhere := load{way: 1}
	deep := load{rate: 30_000, queue: strainDeep}
	const hold = int(strainHold / time.Second)
	type look struct {
		l     load
		count int // seconds
	}
	for _, tt := range []struct {
		name    string
		looks   []look
		thin    bool
		changes int
	}{
		{"good", []look{{good, 100}}, false, 0},
		{"bad for a moment", []look{{bad, 4}, {good, 1}, {bad, 4}, {good, 1}}, false, 0},
		{"bad", []look{{bad, 5}}, true, 1},
		{"bad for words", []look{{deep, 2}}, true, 1},
		{"bad for words for a moment", []look{{deep, 1}, {good, 1}, {deep, 1}, {good, 1}}, false, 0},
		{"bad, as it is thin", []look{{bad, hold + 4}}, true, 1},
		{"better", []look{{bad, 5}, {good, hold - 1}}, true, 1},
		{"tried again", []look{{bad, 5}, {good, hold}}, false, 2},
		{"and still bad", []look{{bad, 5}, {good, hold}, {bad, 5}}, true, 3},
		{"for twice as long", []look{{bad, 5}, {good, hold}, {bad, 5}, {good, 2*hold - 1}}, true, 3},
		{"tried a second time", []look{{bad, 5}, {good, hold}, {bad, 5}, {good, 2 * hold}}, false, 4},
		{"long after", []look{{bad, 5}, {good, hold + 121}, {bad, 5}, {good, hold}}, false, 4},
		{"never for longer than it may", []look{{bad, 12 * 3600}, {good, 40 * 60}}, false, 0},
		{"another network", []look{{bad, 5}, {elsewhere, 1}}, false, 2},
		{"which is as bad", []look{{bad, 5}, {elsewhere, 1}, {load{way: 1, late: true, down: 1}, 5}, {elsewhere, hold}}, false, 4},
	} {
		var s strain
		now := time.Unix(1e9, 0)
		changes := 0
		for _, l := range tt.looks {
			for range l.count {
				now = now.Add(time.Second)
				if s.second(l.l, now) {
					changes++
				}
			}
		}
		if s.thin.Load() != tt.thin || changes != tt.changes && tt.changes > 0 {
			t.Errorf("%s: thin %v after %d changes, want %v after %d", tt.name, s.thin.Load(), changes, tt.thin, tt.changes)
		}
	}
}
