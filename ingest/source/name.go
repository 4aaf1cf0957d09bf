package source

import (
	"fmt"
	"regexp"
)

// NoOrigin stands in keys for a source without an origin.
const NoOrigin = "-"

var nameRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// CheckName returns an error unless s may name a stream or an origin.
func CheckName(s string) error {
	if !nameRE.MatchString(s) {
		return fmt.Errorf("name %q: want 1 to 63 letters, digits, '.', '_' or '-', "+
			"the first a letter or digit", s)
	}
	return nil
}

// Table is what a reader queries as one: a stream and the version of its meaning.
type Table struct {
	Stream  string
	Version int
}

// String prints the table as it stands in keys: stream/v<version>.
func (t Table) String() string { return fmt.Sprintf("%s/v%d", t.Stream, t.Version) }

// Key names a source within a ledger or bucket.
type Key struct {
	Table  Table
	Origin string // empty for none
	ID     ID
}

// OriginName is the origin as it stands in keys.
func (k Key) OriginName() string { return OriginName(k.Origin) }

// OriginName is an origin, empty for none, as it stands in keys.
func OriginName(origin string) string {
	if origin == "" {
		return NoOrigin
	}
	return origin
}

// ParseOrigin reads what OriginName gives.
func ParseOrigin(name string) (origin string, err error) {
	if name == NoOrigin {
		return "", nil
	}
	return name, CheckName(name)
}

// String prints the key as manifests' keys hold it: stream/v<version>/<origin or ->/<sid>.
func (k Key) String() string { return k.Table.String() + "/" + k.OriginName() + "/" + k.ID.String() }
