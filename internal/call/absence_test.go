package call

import (
	"testing"
	"time"
)

// TestAbsence follows what the hub says of a member, in seconds.
func TestAbsence(t *testing.T) {
	start := time.Now()
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	type step struct {
		at   float64
		do   string // "heard", "away", "back", or "excuse", for a second
		away bool   // afterwards
		most time.Duration
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"nothing said", []step{{0, "heard", false, silentLimit}}},
		{"away and back", []step{
			{0, "heard", false, silentLimit},
			{5, "away", true, awayLimit},
			{5.5, "heard", true, awayLimit}, // it was under way
			{9, "back", false, awayLimit},
			{9.5, "heard", false, awayLimit},
			{11, "heard", false, silentLimit},
		}},
		{"away by a hub that is wrong", []step{
			{0, "heard", false, silentLimit},
			{5, "away", true, awayLimit},
			{7, "heard", false, silentLimit},
		}},
		{"while this member was away", []step{
			{0, "heard", false, silentLimit},
			{5, "away", true, awayLimit},
			{7, "excuse", true, awayLimit},
			{8, "excuse", true, awayLimit},
		}},
		{"away again and again", []step{
			{0, "heard", false, silentLimit},
			{5, "away", true, awayLimit},
			{10, "back", false, awayLimit},
			{15, "away", true, awayLimit},
			{20, "away", true, awayLimit},
			{25, "back", false, awayLimit},
		}},
	}
	for _, tt := range tests {
		m := &member{nick: "bob"}
		for _, s := range tt.steps {
			switch s.do {
			case "heard":
				m.hear(at(s.at))
			case "excuse":
				m.excuse(time.Second)
			default:
				m.setAway(s.do == "away", at(s.at))
			}
			if got, most := m.isAwayLocked(), m.patienceWith(); got != s.away || most != s.most {
				t.Errorf("%s, %s at %v s: away %v, forgotten after %v; want %v, %v", tt.name, s.do, s.at, got, most, s.away, s.most)
			}
		}
		if last := tt.steps[len(tt.steps)-1]; last.do == "back" {
			if got := m.silentFor(at(last.at)); got != at(last.at).Sub(start) {
				t.Errorf("%s: silent for %v: what a hub says counts as being heard", tt.name, got)
			}
		}
	}
}

func TestAwayNews(t *testing.T) {
	start := time.Now()
	m := &member{nick: "bob"}
	m.setAway(true, start)
	for _, s := range []struct {
		after time.Duration
		want  bool
	}{{0, false}, {awayToTell - 1, false}, {awayToTell, true}, {awayToTell + time.Second, false}} {
		if got := m.awayNews(start.Add(s.after)); got != s.want {
			t.Errorf("news after %v: %v, want %v", s.after, got, s.want)
		}
	}
	if !m.toldAway() || !m.setAway(false, start) || m.toldAway() {
		t.Error("what the person knows is not remembered until the member is back")
	}
	if m.setAway(true, start); m.setAway(false, start) {
		t.Error("a blink is something to tell")
	}
}
