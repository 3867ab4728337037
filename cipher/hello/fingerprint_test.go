package hello

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sshLine returns the key as OpenSSH writes it.
func (k *testKey) sshLine(comment string) string {
	return "ssh-rsa " + base64.StdEncoding.EncodeToString(AppendSSHKey(nil, &k.pub)) + " " + comment
}

// TestFingerprintKnown has what "ssh-keygen -lf" printed for the keys. The
// modulus of 2,047 bits is the one whose SSH form has no zero byte in front.
func TestFingerprintKnown(t *testing.T) {
	keys := readKeys(t)
	for name, want := range map[string]string{
		"alice":     "SHA256:FoLmjsK8j4hVvClykZL5lkePsN0uWVrmPNAo+cD5a1w",
		"carol":     "SHA256:umxBMuZPSZrzzvNGJ5Tqt9DUoNfyXRPjpuGktvmunxk",
		"dave":      "SHA256:6wLQZ/aWfx432zK31rVCH+nsjCvJ8vI4dbgO85KnuQ4",
		"2047 bits": "SHA256:Ue0UBSQ2K3dSnXY+D9SL/VXUP2JTz6UuzLzUrpx3oKo",
	} {
		if got := FingerprintOf(&keys[name].pub).String(); got != want {
			t.Errorf("fingerprint of %s = %s, want %s", name, got, want)
		}
	}
}

func TestFingerprintAsSSHKeygen(t *testing.T) {
	program, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("ssh-keygen is not installed:", err)
	}
	for name, k := range readKeys(t) {
		if k.pub.N.BitLen() < 1024 || k.pub.E < 3 {
			continue // ssh-keygen refuses them
		}
		path := filepath.Join(t.TempDir(), "key.pub")
		if err := os.WriteFile(path, []byte(k.sshLine("nick")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), program, "-lf", path).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: ssh-keygen -lf: %v: %s", name, err, out)
		}
		fields := strings.Fields(string(out)) // 2048 SHA256:... nick (RSA)
		if got := FingerprintOf(&k.pub).String(); len(fields) < 2 || fields[1] != got {
			t.Errorf("%s: ssh-keygen -lf prints %q, we have %s", name, out, got)
		}
	}
}

func TestParseFingerprint(t *testing.T) {
	var ramp Fingerprint
	for i := range ramp {
		ramp[i] = byte(i * 9)
	}
	for _, want := range []Fingerprint{{}, {31: 1}, {0: 0xff, 31: 0xff}, ramp} {
		s := want.String()
		if len(s) != 50 {
			t.Errorf("String() = %q, %d characters, want 50", s, len(s))
		}
		if got, err := ParseFingerprint(s); err != nil || got != want {
			t.Errorf("ParseFingerprint(%q) = %v, %v, want %v", s, got, err, want)
		}
	}
	digits := strings.TrimPrefix(ramp.String(), "SHA256:")
	for _, s := range []string{
		"",
		"SHA256:",
		digits,
		"sha256:" + digits,
		"SHA256 " + digits,
		"SHA512:" + digits,
		"MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48",
		" SHA256:" + digits,
		"SHA256:" + digits + " ",
		"SHA256:" + digits + "=",
		"SHA256:" + digits + "\n",
		"SHA256:" + digits[:20] + "\n" + digits[20:],
		"SHA256:" + digits[:20] + "\r\n" + digits[20:],
		"SHA256:" + digits[:42],
		"SHA256:" + digits[:42] + "\n",
		"SHA256:" + digits + "A",
		"SHA256:" + digits[:42] + "_", // the other alphabet
		"SHA256:" + strings.Repeat("A", 42) + "B",
		"SHA256:" + strings.Repeat("A", 1<<16),
		"SHA256:\x1b[2J",
	} {
		got, err := ParseFingerprint(s)
		if err == nil {
			t.Errorf("ParseFingerprint(%q) = %v", s, got)
			continue
		}
		if !printable(err.Error()) || len(err.Error()) > 500 {
			t.Errorf("ParseFingerprint(%q): error %q", s, err)
		}
	}
}
