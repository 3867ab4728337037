// Command reduce writes the files of this folder from those of Wycheproof:
//
//	go run reduce.go .../wycheproof/testvectors_v1
//
// It keeps the cases that apply to s2c and of these the fields that the tests
// read, with bytes in base64 in place of hexadecimal, and gzips them.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// A field has the name that the tests use, and the one that Wycheproof uses.
type field struct{ name, source string }

// A reduction makes one file.
type reduction struct {
	source string
	target string
	keep   map[string]float64 // parameters of the groups that apply
	group  []field            // of the group, repeated in its first case
	fields []field
	sums   []field // only SHA-256 is kept: the values are long, and only compared
	seeds  string  // another source, with the seeds of encapsulation keys, which are shorter
}

var reductions = []reduction{
	{
		source: "aes_gcm_test.json", target: "aes256gcm.json.gz",
		keep:   map[string]float64{"keySize": 256, "ivSize": 96, "tagSize": 128},
		fields: []field{{"key", "key"}, {"nonce", "iv"}, {"aad", "aad"}, {"plaintext", "msg"}, {"sealed", "ct"}, {"tag", "tag"}},
	}, {
		source: "rsa_pss_3072_sha256_mgf1_32_test.json", target: "rsapss3072.json.gz",
		keep:   map[string]float64{"keySize": 3072, "sLen": 32},
		group:  []field{{"spki", "publicKeyDer"}},
		fields: []field{{"message", "msg"}, {"signature", "sig"}},
	}, {
		source: "x25519_test.json", target: "x25519.json.gz",
		fields: []field{{"private", "private"}, {"public", "public"}, {"shared", "shared"}},
	}, {
		source: "mlkem_768_test.json", target: "mlkem768decaps.json.gz",
		fields: []field{{"seed", "seed"}, {"ciphertext", "c"}, {"shared", "K"}},
		sums:   []field{{"encapsulation_key_sha256", "ek"}},
	}, {
		source: "mlkem_768_keygen_seed_test.json", target: "mlkem768keygen.json.gz",
		fields: []field{{"seed", "seed"}},
		sums:   []field{{"encapsulation_key_sha256", "ek"}},
	}, {
		source: "mlkem_768_encaps_test.json", target: "mlkem768encaps.json.gz",
		fields: []field{{"encapsulation_key", "ek"}, {"seed", "seed"}, {"random", "m"}, {"shared", "K"}},
		sums:   []field{{"ciphertext_sha256", "c"}},
		seeds:  "mlkem_768_test.json",
	}, {
		source: "hkdf_sha512_test.json", target: "hkdfsha512.json.gz",
		fields: []field{{"secret", "ikm"}, {"salt", "salt"}, {"info", "info"}, {"key", "okm"}},
	}, {
		source: "hmac_sha256_test.json", target: "hmacsha256.json.gz",
		keep:   map[string]float64{"tagSize": 256},
		fields: []field{{"key", "key"}, {"message", "msg"}, {"tag", "tag"}},
	},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run reduce.go .../wycheproof/testvectors_v1")
		os.Exit(2)
	}
	for _, r := range reductions {
		if err := r.run(os.Args[1]); err != nil {
			fmt.Fprintf(os.Stderr, "reduce: %s: %v\n", r.source, err)
			os.Exit(1)
		}
	}
}

func (r reduction) run(dir string) error {
	groups, err := read(filepath.Join(dir, r.source))
	if err != nil {
		return err
	}
	seeds := map[any]any{}
	if r.seeds != "" {
		others, err := read(filepath.Join(dir, r.seeds))
		if err != nil {
			return err
		}
		for _, group := range others {
			for _, c := range group.Tests {
				if c["result"] == "valid" {
					seeds[c["ek"]] = c["seed"]
				}
			}
		}
	}
	var cases []map[string]any
	for _, group := range groups {
		if !r.applies(group.Parameters) {
			continue
		}
		for i, c := range group.Tests {
			if seed, ok := seeds[c["ek"]]; ok {
				c["seed"] = seed
				delete(c, "ek")
			}
			reduced, err := r.reduce(c)
			if err != nil {
				return err
			}
			if i == 0 {
				if err := decode(reduced, r.group, group.Parameters, false); err != nil {
					return err
				}
			}
			cases = append(cases, reduced)
		}
	}
	return write(r.target, cases)
}

// A group is some cases with the same parameters.
type group struct {
	Parameters map[string]any
	Tests      []map[string]any `json:"tests"`
}

func read(path string) ([]group, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		TestGroups []json.RawMessage `json:"testGroups"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	groups := make([]group, len(file.TestGroups))
	for i, text := range file.TestGroups {
		if err := json.Unmarshal(text, &groups[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if err := json.Unmarshal(text, &groups[i].Parameters); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return groups, nil
}

// applies tells whether a group has the parameters of s2c.
func (r reduction) applies(parameters map[string]any) bool {
	for name, value := range r.keep {
		if parameters[name] != value {
			return false
		}
	}
	return true
}

func (r reduction) reduce(c map[string]any) (map[string]any, error) {
	reduced := map[string]any{"id": c["tcId"], "result": c["result"]}
	if size, ok := c["size"]; ok { // of HKDF
		reduced["size"] = size
	}
	if err := decode(reduced, r.fields, c, false); err != nil {
		return nil, err
	}
	return reduced, decode(reduced, r.sums, c, true)
}

// decode copies fields that are in hexadecimal, or their SHA-256.
func decode(to map[string]any, fields []field, from map[string]any, sum bool) error {
	for _, f := range fields {
		text, _ := from[f.source].(string)
		b, err := hex.DecodeString(text)
		if err != nil {
			return fmt.Errorf("%s of case %v: %w", f.source, from["tcId"], err)
		}
		if len(b) == 0 {
			continue
		}
		if sum {
			s := sha256.Sum256(b)
			b = s[:]
		}
		to[f.name] = b
	}
	return nil
}

// write stores cases as one JSON array, with no time in it.
func write(name string, cases []map[string]any) error {
	text, err := json.Marshal(cases)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}
