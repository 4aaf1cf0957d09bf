package parse

import "fmt"

// Kind is how a line is taken apart into fields.
type Kind uint8

const (
	// Regex takes the groups of a pattern.
	Regex Kind = iota
	// JSON takes the members of one JSON object.
	JSON
)

var kindNames = [...]string{Regex: "regex", JSON: "json"}

// ParseKind reads the name of a kind.
func ParseKind(name string) (Kind, error) {
	for k, s := range kindNames {
		if s == name {
			return Kind(k), nil
		}
	}
	return 0, fmt.Errorf("kind %q: want regex or json", name)
}

// String gives the name that definitions use.
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return kindNames[k]
}

// MarshalText implements encoding.TextMarshaler.
func (k Kind) MarshalText() ([]byte, error) {
	if int(k) >= len(kindNames) {
		return nil, fmt.Errorf("marshal %v: no such kind", k)
	}
	return []byte(kindNames[k]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler; it is as strict as ParseKind.
func (k *Kind) UnmarshalText(b []byte) (err error) {
	*k, err = ParseKind(string(b))
	return err
}

// UnknownKeys is what becomes of members of a JSON object that no column reads.
type UnknownKeys uint8

const (
	// KeepUnknown keeps them in a column of its own, ExtraName. It is the default: who writes logs
	// adds keys without asking, and that must neither lose a byte in silence nor stop rows.
	KeepUnknown UnknownKeys = iota
	// DropUnknown makes the row without them.
	DropUnknown
	// RejectUnknown makes the line a reject.
	RejectUnknown
)

var unknownKeysNames = [...]string{
	KeepUnknown: "keep", DropUnknown: "drop", RejectUnknown: "reject",
}

// ParseUnknownKeys reads the name of a policy.
func ParseUnknownKeys(name string) (UnknownKeys, error) {
	for u, s := range unknownKeysNames {
		if s == name {
			return UnknownKeys(u), nil
		}
	}
	return 0, fmt.Errorf("%q: want keep, drop or reject", name)
}

// String gives the name that definitions use.
func (u UnknownKeys) String() string {
	if int(u) >= len(unknownKeysNames) {
		return fmt.Sprintf("UnknownKeys(%d)", uint8(u))
	}
	return unknownKeysNames[u]
}

// MarshalText implements encoding.TextMarshaler.
func (u UnknownKeys) MarshalText() ([]byte, error) {
	if int(u) >= len(unknownKeysNames) {
		return nil, fmt.Errorf("marshal %v: no such policy", u)
	}
	return []byte(unknownKeysNames[u]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler; it is as strict as ParseUnknownKeys.
func (u *UnknownKeys) UnmarshalText(b []byte) (err error) {
	*u, err = ParseUnknownKeys(string(b))
	return err
}
