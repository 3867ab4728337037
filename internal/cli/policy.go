package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/call"
)

// policies are the words of --policy.
var policies = map[string]call.Policy{
	"open":  call.Open,
	"known": call.Known,
	"ask":   call.Ask,
	"allow": call.AllowListed,
}

// policyFlags say who may hear and see the person.
type policyFlags struct{ policy, allow string }

func (f *policyFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.policy, "policy", "", "`who` hears and sees you: open (everybody), known (whom you have met), ask (whom you let in), allow (who is on the list) (default open)")
	fl.StringVar(&f.allow, "allow", "", "the list for --policy allow: a `file` like authorized_keys of OpenSSH")
}

func (f *policyFlags) check() error {
	if _, ok := policies[f.policy]; !ok && f.policy != "" {
		return &usageError{fmt.Errorf("unknown policy %q", f.policy), "--policy open, --policy known, --policy ask or --allow FILE"}
	}
	switch {
	case f.policy == "allow" && f.allow == "":
		return &usageError{errors.New("--policy allow needs a list"), "--allow FILE"}
	case f.policy != "allow" && f.policy != "" && f.allow != "":
		return &usageError{fmt.Errorf("--policy %s has no list", f.policy), "--policy allow --allow FILE"}
	}
	return nil
}

// open returns the policy and its list, if it has one.
func (f *policyFlags) open() (call.Policy, *hello.AllowList, error) {
	if f.allow == "" {
		return policies[f.policy], nil, nil // without a word it is the first, Open
	}
	list, err := readKeys(f.allow)
	return call.AllowListed, list, err
}
