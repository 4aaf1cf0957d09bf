package batch

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Granularity is how finely a table is partitioned by event time.
type Granularity uint8

const (
	// Day partitions by dt, the event time's day in UTC.
	Day Granularity = iota
	// Hour partitions by dt and hour, both in UTC.
	Hour
)

// ParseGranularity reads the form that String gives.
func ParseGranularity(s string) (Granularity, error) {
	switch s {
	case "day":
		return Day, nil
	case "hour":
		return Hour, nil
	}
	return 0, fmt.Errorf("partition %q: want day or hour", s)
}

// String gives day or hour, as configs have it.
func (g Granularity) String() string {
	switch g {
	case Day:
		return "day"
	case Hour:
		return "hour"
	}
	return fmt.Sprintf("Granularity(%d)", uint8(g))
}

// MarshalText implements encoding.TextMarshaler.
func (g Granularity) MarshalText() ([]byte, error) {
	if g > Hour {
		return nil, fmt.Errorf("marshal %v: no such granularity", g)
	}
	return []byte(g.String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler; it is as strict as ParseGranularity.
func (g *Granularity) UnmarshalText(b []byte) (err error) {
	*g, err = ParseGranularity(string(b))
	return err
}

// The values of a Partition's fields where there is none.
const (
	NoDate = math.MinInt32
	NoHour = -1
)

// noDatePath is how Hive names the partition of rows without a value.
const noDatePath = "dt=__HIVE_DEFAULT_PARTITION__"

// Partition is where a row lies by its event time in UTC. It is comparable, and a map key.
type Partition struct {
	Date int32 // days since 1970; NoDate for a row without an event time
	Hour int8  // 0 to 23; NoHour by day, or without an event time
}

// NoPartition is the partition of rows without an event time.
func NoPartition() Partition { return Partition{Date: NoDate, Hour: NoHour} }

const (
	microsPerHour = int64(time.Hour / time.Microsecond)
	microsPerDay  = 24 * microsPerHour
)

// PartitionOf gives the partition of an event time in microseconds since 1970 UTC.
func (g Granularity) PartitionOf(micros int64) Partition {
	day, rest := micros/microsPerDay, micros%microsPerDay
	if rest < 0 {
		day, rest = day-1, rest+microsPerDay
	}
	p := Partition{Date: int32(day), Hour: NoHour}
	if g == Hour {
		p.Hour = int8(rest / microsPerHour)
	}
	return p
}

// number tells partitions apart.
func (g Granularity) number(micros int64) int64 {
	p := g.PartitionOf(micros)
	return int64(p.Date)*24 + int64(max(0, p.Hour))
}

// Compare orders partitions by date, then hour; those without come first.
func (p Partition) Compare(q Partition) int {
	return cmp.Or(cmp.Compare(p.Date, q.Date), cmp.Compare(p.Hour, q.Hour))
}

// Path is the partition as keys hold it: dt=2024-01-15, dt=2024-01-15/hour=03, or Hive's name for
// none. Paths sort as partitions of one granularity do, but that those without come last.
func (p Partition) Path() string {
	if p.Date == NoDate {
		return noDatePath
	}
	dt := "dt=" + time.Unix(int64(p.Date)*24*3600, 0).UTC().Format(time.DateOnly)
	if p.Hour == NoHour {
		return dt
	}
	return fmt.Sprintf("%s/hour=%02d", dt, p.Hour)
}

// String is Path.
func (p Partition) String() string { return p.Path() }

// ParsePartition reads the form that Path gives.
func ParsePartition(s string) (Partition, error) {
	if s == noDatePath {
		return NoPartition(), nil
	}
	dt, hour, hasHour := strings.Cut(s, "/")
	day, err := time.Parse("dt="+time.DateOnly, dt)
	if err != nil {
		return Partition{}, fmt.Errorf("partition %q: want dt=YYYY-MM-DD", s)
	}
	p := Partition{Date: int32(day.Unix() / (24 * 3600)), Hour: NoHour}
	if !hasHour {
		return p, nil
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(hour, "hour="), 10, 8)
	p.Hour = int8(n)
	if err != nil || n < 0 || n > 23 || p.Path() != s {
		return Partition{}, fmt.Errorf("partition %q: want dt=YYYY-MM-DD/hour=HH", s)
	}
	return p, nil
}
