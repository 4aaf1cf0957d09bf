package parse

import "slices"

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

// Contains tells whether the event time t, in microseconds, lies in w.
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

// keepsUnknown tells whether there is a column for members that no other reads.
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
