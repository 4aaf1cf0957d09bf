package parse

import (
	"fmt"
	"time"
	_ "time/tzdata" // for machines without a time zone database
)

// zone turns local times into UTC. It knows the rules of the machine's time zone database, or, if
// there is none, of the one built in: rules that governments change later may differ by machine,
// which fixed offsets never do.
type zone struct {
	loc *time.Location
}

// loadZone finds a zone by IANA name or ±HH:MM. It is nil for UTC.
func loadZone(name string) (*zone, error) {
	switch {
	case name == "" || name == "UTC":
		return nil, nil
	case name == "Local" || name == "localtime":
		return nil, fmt.Errorf("zone %s differs by machine: name the zone", name)
	case name[0] == '+' || name[0] == '-':
		offset, ok := parseOffset([]byte(name))
		if !ok {
			return nil, fmt.Errorf("zone %q: want an IANA name or ±HH:MM", name)
		}
		return &zone{time.FixedZone(name, int(offset))}, nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("zone %q: want an IANA name or ±HH:MM", name)
	}
	return &zone{loc}, nil
}

// utc gives the instant at which clocks in the zone show what clocks in UTC show at wall, both in
// seconds. A time that is shown twice, when clocks are put back, is the first of the two. It
// reports false for one that is never shown because clocks are put forward over it.
func (z *zone) utc(wall int64) (int64, bool) {
	// Clocks change less often than every other day, so these are the only offsets in question,
	// the one from before a change first.
	const day = 24 * 60 * 60
	before, after := z.offset(wall-day), z.offset(wall+day)
	first, second := wall-before, wall-after
	if first > second {
		first, second = second, first
	}
	for _, sec := range [...]int64{first, second} {
		if sec+z.offset(sec) == wall {
			return sec, true
		}
	}
	return 0, false
}

// offset is how far local clocks are ahead of UTC at an instant.
func (z *zone) offset(sec int64) int64 {
	_, offset := time.Unix(sec, 0).In(z.loc).Zone()
	return int64(offset)
}
