package parse

import (
	"fmt"
	"slices"
)

// Definition is all that decides how lines become rows. It is plain data whose fields at their
// default are zero; Canonical makes them so. Two definitions with one canonical form parse alike.
type Definition struct {
	// Frame is what stands around what the other fields describe; see Framed.
	Frame Frame `json:"frame,omitzero"`
	// Kind is how lines are taken apart; a Regex has a Pattern, JSON may have UnknownKeys.
	Kind Kind `json:"kind,omitzero"`
	// Pattern is a regular expression in Go's RE2 syntax that must match the whole line, anchors or
	// not. Each named group is a column and each column a named group.
	Pattern string `json:"pattern"`
	// UnknownKeys is what becomes of members that no column reads.
	UnknownKeys UnknownKeys `json:"unknown_keys,omitzero"`
	// Columns are in the order they have in tables and files, a Frame's first. Of JSON that keeps
	// unknown keys the last is ExtraName; Canonical adds it.
	Columns []Column `json:"columns"`
	// Window is where event times must lie.
	Window Window `json:"window,omitzero"`
}

// Window is the half-open range [From, To) of event times in microseconds since 1970 UTC. The
// zero Window is the default, the years 1990 to 2099.
type Window struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// DefaultWindow is the years 1990 to 2099.
func DefaultWindow() Window { return Window{From: 631152000e6, To: 4102444800e6} }

// Contains reports whether the event time t, in microseconds, lies in w.
func (w Window) Contains(t int64) bool {
	if w == (Window{}) {
		w = DefaultWindow()
	}
	return w.From <= t && t < w.To
}

// Canonical gives d with every field that says the default set to zero, and slices of its own.
func (d Definition) Canonical() Definition {
	if d.Window == DefaultWindow() {
		d.Window = Window{}
	}
	d.Columns = slices.Clone(d.Columns)
	for i := range d.Columns {
		c := &d.Columns[i]
		if c.Type == Timestamp && c.Layout == LayoutRFC3339 {
			c.Layout = ""
		}
		if c.Type == Timestamp && c.Zone == "UTC" {
			c.Zone = ""
		}
		c.NullValues = cloneOrNil(c.NullValues)
		c.Enum = cloneOrNil(c.Enum)
		if c.Key == c.Name {
			c.Key = ""
		}
	}
	if d.keepsUnknown() && (len(d.Columns) == 0 || d.Columns[len(d.Columns)-1].Name != ExtraName) {
		d.Columns = append(d.Columns, extraColumn())
	}
	return d
}

// keepsUnknown reports whether there is a column for members that no other reads.
func (d *Definition) keepsUnknown() bool { return d.Kind == JSON && d.UnknownKeys == KeepUnknown }

func cloneOrNil(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	return slices.Clone(s)
}

// Validate returns an error that lists everything that is wrong with d; New does the same.
func (d Definition) Validate() error {
	_, err := New(d)
	return err
}

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
