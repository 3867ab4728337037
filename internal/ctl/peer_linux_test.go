package ctl

import "testing"

func TestCheckUser(t *testing.T) {
	for _, test := range []struct {
		peer, own int
		ok        bool
	}{{1000, 1000, true}, {0, 1000, true}, {0, 0, true}, {1001, 1000, false}, {1000, 0, false}} {
		if err := checkUser(test.peer, test.own); (err == nil) != test.ok {
			t.Errorf("user %d with the call of %d: %v", test.peer, test.own, err)
		}
	}
}
