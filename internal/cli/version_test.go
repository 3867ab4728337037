package cli

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestFacts(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	if got := factsOf(info).text(); !strings.HasPrefix(got, "s2c v1.2.3\ncommit abc of 2026-01-02T03:04:05Z, modified\ngo") {
		t.Errorf("the text is %q", got)
	}
	if got := factsOf(nil).text(); !strings.HasPrefix(got, "s2c unknown\ngo") || strings.Contains(got, "commit") {
		t.Errorf("without a word of the build it is %q", got)
	}
}
