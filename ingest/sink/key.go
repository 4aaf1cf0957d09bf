package sink

import (
	"fmt"
	"slices"
	"strings"
)

// KeyMax is the longest key in bytes, as in S3; a part of it is at most a file name's 255.
const KeyMax = 1024

const keyPartMax = 255

// roots are the first parts that keys have; a single object lies beside them.
var roots = []string{"data", "epochs", "manifests", "quarantine", "schemas", "sources"}

const rootObject = "logseal.json"

// Roots are the folders that all keys but RootObject lie in, sorted. A store touches nothing else
// of the place it is in but what is its own.
func Roots() []string { return slices.Clone(roots) }

// RootObject is the key of the one object that lies in no folder.
func RootObject() string { return rootObject }

// CheckKey returns an error unless key may name an object: it is RootObject or lies in one of
// Roots, its parts are joined by single slashes, and each is made of letters, digits, '.', '_',
// '-' and '=' and does not begin with a dot. So a key means the same in a folder, in a URL and
// in a bucket, and can never lead out of the place it belongs to.
func CheckKey(key string) error {
	if key == rootObject {
		return nil
	}
	if len(key) > KeyMax {
		return fmt.Errorf("key of %d bytes: want at most %d", len(key), KeyMax)
	}
	parts := strings.Split(key, "/")
	if len(parts) < 2 || !slices.Contains(roots, parts[0]) {
		return fmt.Errorf("key %q: want %s or a key in %s", key, rootObject, strings.Join(roots, ", "))
	}
	for _, p := range parts {
		if err := checkPart(p); err != nil {
			return fmt.Errorf("key %q: %w", key, err)
		}
	}
	return nil
}

func checkPart(p string) error {
	switch {
	case p == "":
		return fmt.Errorf("a part of it is empty")
	case p[0] == '.':
		return fmt.Errorf("part %q begins with a dot", p)
	case len(p) > keyPartMax:
		return fmt.Errorf("a part has %d bytes, want at most %d", len(p), keyPartMax)
	}
	for i := range len(p) {
		if !plain(p[i]) {
			return fmt.Errorf("part %q has a character other than letters, digits and ._-=", p)
		}
	}
	return nil
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '.' || c == '_' || c == '-' || c == '='
}
