package parse

import (
	"errors"
	"fmt"
	"slices"
)

// Frame is what a container runtime wraps around the lines of a program. It has columns of its own,
// the first of the table, and says which lines are parts of one record; what is inside of the
// joined parts is taken apart as the Definition's Kind says.
type Frame uint8

const (
	// NoFrame is of lines that are records as they stand.
	NoFrame Frame = iota
	// CRI is the log format of Kubernetes: time, stream, tags and a part of a line of the program.
	CRI
	// DockerJSON is what Docker's json-file driver writes: a JSON object for a part of a line.
	DockerJSON
)

var frameNames = [...]string{NoFrame: "none", CRI: "cri", DockerJSON: "docker_json"}

// ParseFrame reads the name of a frame.
func ParseFrame(name string) (Frame, error) {
	for f, s := range frameNames {
		if s == name {
			return Frame(f), nil
		}
	}
	return 0, fmt.Errorf("frame %q: want cri or docker_json", name)
}

// String gives the name that definitions use.
func (f Frame) String() string {
	if int(f) >= len(frameNames) {
		return fmt.Sprintf("Frame(%d)", uint8(f))
	}
	return frameNames[f]
}

// MarshalText implements encoding.TextMarshaler.
func (f Frame) MarshalText() ([]byte, error) {
	if int(f) >= len(frameNames) {
		return nil, fmt.Errorf("marshal %v: no such frame", f)
	}
	return []byte(frameNames[f]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler; it is as strict as ParseFrame.
func (f *Frame) UnmarshalText(b []byte) (err error) {
	*f, err = ParseFrame(string(b))
	return err
}

// The place of each column of a frame.
const (
	frameTime   = iota // when the runtime took the first part
	frameStream        // stdout or stderr
	frameAttrs         // of DockerJSON: the object of labels as it stands, null for none
	maxFrameColumns
)

// Columns gives the columns of the frame, the first of any table of it. The time is the event time
// until a column of the inside is.
func (f Frame) Columns() []Column {
	columns := []Column{
		frameTime:   {Name: "time", Type: Timestamp, EventTime: true},
		frameStream: {Name: "stream"},
		frameAttrs:  {Name: "attrs", Optional: true},
	}
	switch f {
	case CRI:
		return columns[:frameAttrs]
	case DockerJSON:
		return columns
	}
	return nil
}

// wholePattern has the inside of a frame in one column, whatever it is.
const wholePattern = `(?P<message>(?s:.*))`

// Framed gives the definition of a frame around what inside describes; the zero Definition has one
// column for it, message. Names, if not nil, gives other names to the frame's columns.
func Framed(f Frame, inside Definition, names map[string]string) Definition {
	d := inside
	if len(d.Columns) == 0 && d.Kind == Regex && d.Pattern == "" {
		d.Pattern, d.Columns = wholePattern, []Column{{Name: "message"}}
	}
	outer := f.Columns()
	outer[frameTime].EventTime = !slices.ContainsFunc(d.Columns,
		func(c Column) bool { return c.EventTime })
	for i := range outer {
		if name, ok := names[outer[i].Name]; ok {
			outer[i].Name = name
		}
	}
	d.Frame, d.Columns = f, append(outer, d.Columns...)
	return d.Canonical()
}

// checkFrame holds that the first columns are the frame's, but for their names and which one is the
// event time.
func (d *Definition) checkFrame() error {
	if int(d.Frame) >= len(frameNames) {
		return fmt.Errorf("there is no frame %d", uint8(d.Frame))
	}
	want := d.Frame.Columns()
	if len(d.Columns) < len(want) {
		return errors.New("the columns of the frame are missing")
	}
	for i, w := range want {
		c := d.Columns[i]
		w.Name, w.EventTime = c.Name, c.EventTime
		if !c.equal(w) {
			return fmt.Errorf("column %q: want it as the frame has it", c.Name)
		}
	}
	return nil
}

// equal reports whether two columns in canonical form say the same.
func (c *Column) equal(w Column) bool {
	return c.Name == w.Name && c.Type == w.Type && c.Key == w.Key && c.Layout == w.Layout &&
		c.Zone == w.Zone && c.EventTime == w.EventTime && c.Optional == w.Optional &&
		slices.Equal(c.NullValues, w.NullValues) && slices.Equal(c.Enum, w.Enum) &&
		c.Min == w.Min && c.Max == w.Max && c.MinLength == w.MinLength &&
		c.MaxLength == w.MaxLength && c.Pattern == w.Pattern
}
