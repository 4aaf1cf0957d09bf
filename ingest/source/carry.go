package source

import (
	"fmt"
	"strconv"
	"strings"
)

// Carry is what a format of records of several lines carries over from before an offset, by stream:
// the range before ended inside a record, and what follows of its stream is the rest of it. Its
// text form is `stdout:<kind>:<offset>` and the same of stderr with a comma between them, as far as
// there are any; it is empty for none.
type Carry [2]Rest

// Rest says that the next parts of a stream, up to the last one, are the rest of a record.
type Rest struct {
	Kind ChunkKind // Continued or TooLong; Lines when there is no rest
	Of   int64     // where the record begins
}

// restStreams are the streams in the order of a Carry.
var restStreams = [...]string{"stdout", "stderr"}

// String gives the text form.
func (c Carry) String() string {
	var all []string
	for i, r := range c {
		if r != (Rest{}) {
			all = append(all, fmt.Sprintf("%s:%s:%d", restStreams[i], r.Kind.restName(), r.Of))
		}
	}
	return strings.Join(all, ",")
}

// restName names a kind of rest.
func (k ChunkKind) restName() string {
	switch k {
	case Continued:
		return "continued"
	case TooLong:
		return "too_long"
	}
	return fmt.Sprintf("ChunkKind(%d)", uint8(k))
}

// ParseCarry reads the text form of a Carry.
func ParseCarry(s string) (Carry, error) {
	var c Carry
	for _, one := range strings.Split(s, ",") {
		fields := strings.Split(one, ":")
		if len(fields) != 3 {
			break
		}
		for i, name := range restStreams {
			if fields[0] != name {
				continue
			}
			c[i].Kind = Continued
			if fields[1] == TooLong.restName() {
				c[i].Kind = TooLong
			}
			c[i].Of, _ = strconv.ParseInt(fields[2], 10, 64)
		}
	}
	if c.String() != s || c[0].Of < 0 || c[1].Of < 0 {
		return Carry{}, fmt.Errorf("carry %q: want <stream>:<continued or too_long>:<offset>", s)
	}
	return c, nil
}

// MarshalText implements encoding.TextMarshaler.
func (c Carry) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; it is as strict as ParseCarry.
func (c *Carry) UnmarshalText(b []byte) (err error) {
	*c, err = ParseCarry(string(b))
	return err
}
