package cli

import (
	"maps"
	"strings"
	"testing"
)

func TestWithoutSecrets(t *testing.T) {
	env := map[string]string{"S2C_PASS": "a", "S2C_KEY_PASS": "b", "HOME": "/"}
	e := Env{
		Getenv:   func(name string) string { return env[name] },
		Unsetenv: func(name string) error { delete(env, name); return nil },
	}.withoutSecrets()
	if want := map[string]string{"HOME": "/"}; !maps.Equal(env, want) {
		t.Errorf("the environment is %v, want %v", env, want)
	}
	env["S2C_DOOR"] = "later"
	for name, want := range map[string]string{"S2C_PASS": "a", "S2C_KEY_PASS": "b", "S2C_DOOR": "", "HOME": "/", "USER": ""} {
		if got := e.Getenv(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestCleanPassphrase(t *testing.T) {
	for _, test := range []struct {
		in, want string
		ok       bool
	}{
		{"", "", true},
		{" ember lake ", " ember lake ", true},
		{"cafe\u0301", "caf\u00e9", true}, // an e and an accent are a letter with an accent
		{"caf\u00e9", "caf\u00e9", true},
		{"\ufb01sh", "\ufb01sh", true}, // but a ligature is its own
		{"\u212bngstr\u00f6m", "\u00c5ngstr\u00f6m", true},
		{strings.Repeat("x", maxSecret), strings.Repeat("x", maxSecret), true},
		{strings.Repeat("x", maxSecret+1), "", false},
		{"caf\xe9", "", false},
	} {
		got, err := cleanPassphrase(test.in)
		if (err == nil) != test.ok || err == nil && got != test.want {
			t.Errorf("cleanPassphrase(%.40q) = %.40q, %v; want %.40q, %v", test.in, got, err, test.want, test.ok)
		}
		if err != nil && strings.Contains(err.Error(), "caf") {
			t.Errorf("the error tells the passphrase: %v", err)
		}
	}
}
