package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/internal/file"
	"github.com/sanix-darker/s2c/internal/text"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/trust"
)

func (e Env) key() *cobra.Command {
	var who identityFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "key",
		Short: "who you are, and whom you know",
		Long: `Print your fingerprint, by which others know you, and the line to give to the
owner of a hub or of a list of keys. Your key is made at the first start, and
ssh-keygen can read it.

Whom you meet in a call is remembered by their fingerprint; so is each hub.`,
		Example: `  s2c key
  s2c key list
  s2c key trust anna
  s2c key forget host:1122`,
		Args: atMost(0, "see s2c key -h"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.showKey(cmd.Context(), &who, asJSON)
		},
	}
	who.addFile(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.AddCommand(e.keyList(), e.keyTrust(), e.keyForget(), e.keyProtect(), e.keyUnprotect())
	return cmd
}

func (e Env) keyList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list the people and the hubs that you know",
		Example: `  s2c key list
  s2c key list --json`,
		Args: atMost(0, "s2c key list"),
		RunE: func(*cobra.Command, []string) error { return e.listKnown(asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (e Env) keyTrust() *cobra.Command {
	return &cobra.Command{
		Use:   "trust WHO...",
		Short: "mark people as verified",
		Long: `Mark people as verified: you are sure whose key it is. WHO is the name or the
fingerprint of somebody you have met, or a fingerprint and a name for somebody
you have not.`,
		Example: `  s2c key trust anna
  s2c key trust SHA256:jW0... carol`,
		Args: atLeast(1, "s2c key trust anna"),
		RunE: func(_ *cobra.Command, args []string) error { return e.trustPeople(args, time.Now()) },
	}
}

func (e Env) keyForget() *cobra.Command {
	return &cobra.Command{
		Use:   "forget WHO|HOST:PORT...",
		Short: "forget people or hubs",
		Long: `Forget people, by name or fingerprint, or hubs, by their address. The next time
they are new.`,
		Example: `  s2c key forget bob
  s2c key forget host:1122`,
		Args: atLeast(1, "s2c key forget host:1122"),
		RunE: func(_ *cobra.Command, args []string) error { return e.forget(args) },
	}
}

// showKey prints who the person is.
func (e Env) showKey(ctx context.Context, who *identityFlags, asJSON bool) error {
	if err := harden(); err != nil {
		e.say("other programs of yours may read the key in memory: %v", err)
	}
	comment := text.Clean(e.Getenv("USER"), text.MaxName)
	id, err := e.identity(ctx, who, comment)
	if err != nil {
		return err
	}
	path, err := e.identityPath(who)
	if err != nil {
		return err
	}
	line := publicLine(id, path, comment)
	if !asJSON {
		_, err := fmt.Fprintf(e.Stdout, "%s\n%s\n", id.Fingerprint(), line)
		return err
	}
	return json.NewEncoder(e.Stdout).Encode(struct {
		Fingerprint string `json:"fingerprint"`
		PublicKey   string `json:"public_key"`
		File        string `json:"file"`
	}{id.Fingerprint().String(), line, path})
}

// maxPublicFile bounds the file of a public key, in bytes.
const maxPublicFile = 16 << 10

// publicLine returns the public key of the identity in the file at path, with
// the comment that the file beside it has, or else with another.
func publicLine(id *identity.Identity, path, comment string) string {
	b, err := file.Read(path+".pub", maxPublicFile, 0)
	if err != nil {
		return id.PublicLine(comment)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	line = text.Clean(line, maxPublicFile)
	if line != id.PublicLine("") && !strings.HasPrefix(line, id.PublicLine("")+" ") {
		return id.PublicLine(comment) // it is another key's
	}
	return line
}

// day prints the day of t as the files do, and "" for none.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// A knownPerson is somebody in the list.
type knownPerson struct {
	Fingerprint string `json:"fingerprint"`
	Name        string `json:"name"`
	Mark        string `json:"mark"`
	First       string `json:"first,omitempty"`
	Last        string `json:"last,omitempty"`
}

// A knownHub is a hub in the list.
type knownHub struct {
	Address     string `json:"address"`
	Fingerprint string `json:"fingerprint"`
}

// listKnown prints whom the person knows, the last met first.
func (e Env) listKnown(asJSON bool) error {
	people, err := e.knownPeople()
	if err != nil {
		return err
	}
	hubs, err := e.hubsMet()
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(e.Stdout).Encode(struct {
			People []knownPerson `json:"people"`
			Hubs   []knownHub    `json:"hubs"`
		}{people, hubs})
	}
	var b bytes.Buffer
	fmt.Fprintln(&b, "people")
	for _, p := range people {
		fmt.Fprintf(&b, "  %-8s  %s  first %-10s  last %-10s  %s\n", p.Mark, p.Fingerprint, orDash(p.First), orDash(p.Last), orDash(p.Name))
	}
	if len(people) == 0 {
		fmt.Fprintln(&b, "  none")
	}
	fmt.Fprintln(&b, "hubs")
	for _, h := range hubs {
		fmt.Fprintf(&b, "  %s  %s\n", h.Fingerprint, h.Address)
	}
	if len(hubs) == 0 {
		fmt.Fprintln(&b, "  none")
	}
	_, err = e.Stdout.Write(b.Bytes())
	return err
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (e Env) knownPeople() ([]knownPerson, error) {
	peers, err := e.peers()
	if err != nil {
		return nil, err
	}
	list, err := peers.List()
	if err != nil {
		return nil, err
	}
	people := []knownPerson{} // in JSON an empty list, not null
	for _, p := range list {
		mark := trust.Seen
		if p.Verified {
			mark = trust.Verified
		}
		people = append(people, knownPerson{
			p.Fingerprint.String(), text.Clean(p.Name, text.MaxName), mark.String(), day(p.First), day(p.Last),
		})
	}
	return people, nil
}

func (e Env) hubsMet() ([]knownHub, error) {
	known, err := e.knownHubs()
	if err != nil {
		return nil, err
	}
	list, err := known.List()
	if err != nil {
		return nil, err
	}
	hubs := []knownHub{}
	for _, h := range list {
		hubs = append(hubs, knownHub{text.Clean(h.Addr, 300), h.Fingerprint})
	}
	return hubs, nil
}

// trustPeople marks those as verified whom args name, all or none.
func (e Env) trustPeople(args []string, now time.Time) error {
	peers, err := e.peers()
	if err != nil {
		return err
	}
	known, err := peers.List()
	if err != nil {
		return err
	}
	var chosen []trust.Person
	if p, ok, err := introduced(args, known, now); err != nil {
		return err
	} else if ok {
		chosen, args = []trust.Person{p}, nil
	}
	for _, who := range args {
		p, err := findPerson(known, who)
		if err != nil {
			return err
		}
		chosen = append(chosen, p)
	}
	if err := peers.Verify(now, chosen...); err != nil {
		return err
	}
	for _, p := range chosen {
		fmt.Fprintf(e.Stdout, "verified %s %s\n", p.Fingerprint, text.Clean(p.Name, text.MaxName))
	}
	return nil
}

// introduced returns somebody who was never met, when args are a fingerprint
// that is not known and a name for it.
func introduced(args []string, known []trust.Person, now time.Time) (p trust.Person, ok bool, err error) {
	if len(args) != 2 {
		return p, false, nil
	}
	fp, err := hello.ParseFingerprint(args[0])
	if err != nil {
		return p, false, nil //nolint:nilerr // it is a name then
	}
	for _, k := range known {
		if k.Fingerprint == fp && strings.EqualFold(k.Name, args[1]) {
			return k, true, nil
		}
		if k.Fingerprint == fp {
			return p, false, nil
		}
	}
	if _, err := hello.ParseFingerprint(args[1]); err == nil {
		return p, false, nil
	}
	if err := text.CheckName(args[1]); err != nil {
		return p, false, &usageError{fmt.Errorf("name %q: %w", args[1], err), "s2c key trust SHA256:... carol"}
	}
	return trust.Person{Fingerprint: fp, Name: args[1], First: now, Last: now, Verified: true}, true, nil
}

// findPerson returns the one whom who names, a fingerprint or a name.
func findPerson(known []trust.Person, who string) (trust.Person, error) {
	fp, noFingerprint := hello.ParseFingerprint(who)
	var found []trust.Person
	for _, p := range known {
		if noFingerprint == nil && p.Fingerprint == fp || noFingerprint != nil && strings.EqualFold(p.Name, who) {
			found = append(found, p)
		}
	}
	switch {
	case len(found) > 1:
		return trust.Person{}, &hinted{
			fmt.Errorf("%d people are called %q", len(found), who), "give the fingerprint; s2c key list shows it", exitFailed,
		}
	case len(found) == 0 && noFingerprint == nil:
		return trust.Person{}, &hinted{
			fmt.Errorf("nobody with the key %s was met", who), "give the name too: s2c key trust " + who + " NAME", exitFailed,
		}
	case len(found) == 0:
		return trust.Person{}, &hinted{
			fmt.Errorf("nobody called %q was met", who), "give the fingerprint and the name: s2c key trust SHA256:... NAME", exitFailed,
		}
	}
	return found[0], nil
}

// forget removes people and hubs. It goes on after one that is not known, and
// fails in the end.
func (e Env) forget(args []string) error {
	peers, err := e.peers()
	if err != nil {
		return err
	}
	hubs, err := e.knownHubs()
	if err != nil {
		return err
	}
	var unknown []error
	for _, who := range args {
		found, err := e.forgetOne(peers, hubs, who)
		if err != nil {
			return err
		}
		if !found {
			unknown = append(unknown, fmt.Errorf("%q is nobody known and no known hub", who))
		}
	}
	if len(unknown) > 0 {
		return &hinted{errors.Join(unknown...), "s2c key list shows whom you know", exitFailed}
	}
	return nil
}

func (e Env) forgetOne(peers *trust.Peers, hubs *transport.KnownHubs, who string) (found bool, err error) {
	people, err := peers.Forget(who)
	if err != nil {
		return false, err
	}
	for _, p := range people {
		fmt.Fprintf(e.Stdout, "forgotten %s %s\n", p.Fingerprint, text.Clean(p.Name, text.MaxName))
	}
	addr, err := hubAddress(who)
	if err != nil || len(people) > 0 {
		return len(people) > 0, nil //nolint:nilerr // it is no address then
	}
	if found, err = hubs.Forget(addr); found && err == nil {
		fmt.Fprintf(e.Stdout, "forgotten %s\n", addr)
	}
	return found, err
}
