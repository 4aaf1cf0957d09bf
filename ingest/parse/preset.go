package parse

import (
	"fmt"
	"regexp"
)

// The formats of the Apache and nginx access logs. A quoted text may hold \" and is not unescaped.
// A request that is not METHOD target PROTOCOL matches neither.
const (
	commonPattern = `(?P<remote_host>\S+) (?P<ident>\S+) (?P<user>\S+) \[(?P<time>[^\]]*)\] ` +
		`"(?P<method>[A-Za-z_-]+) (?P<path>\S+) (?P<protocol>[A-Z]+/[0-9]+(?:\.[0-9]+)?)" ` +
		`(?P<status>[0-9]{3}) (?P<bytes>[0-9]+|-)`
	combinedPattern = commonPattern +
		` "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<user_agent>(?:[^"\\]|\\.)*)"`
	appPattern = `(?P<timestamp>\S+) (?P<severity>\S+) (?P<module>.*?): (?P<message>.*)`
)

var presets = []struct {
	name string
	def  Definition
}{
	{"combined", Definition{Pattern: combinedPattern, Columns: append(commonColumns(),
		dashColumn("referer", String), dashColumn("user_agent", String))}},
	{"common", Definition{Pattern: commonPattern, Columns: commonColumns()}},
	{"app", Definition{Pattern: appPattern, Columns: []Column{
		{Name: "timestamp", Type: Timestamp, EventTime: true},
		{Name: "severity", Enum: []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}},
		{Name: "module", MinLength: 1},
		{Name: "message"},
	}}},
}

// commonColumns are also the first of combined, so that a stream can go over to it.
func commonColumns() []Column {
	return []Column{
		{Name: "remote_host"},
		dashColumn("ident", String),
		dashColumn("user", String),
		{Name: "time", Type: Timestamp, Layout: "02/Jan/2006:15:04:05 -0700", EventTime: true},
		{Name: "method"},
		{Name: "path"},
		{Name: "protocol"},
		{Name: "status", Type: Int32},
		dashColumn("bytes", Int64),
	}
}

// dashColumn is null where the log has a dash.
func dashColumn(name string, t Type) Column {
	return Column{Name: name, Type: t, Optional: true, NullValues: []string{"-"}}
}

// Preset gives the definition of a built-in format.
func Preset(name string) (Definition, bool) {
	for _, p := range presets {
		if p.name == name {
			return p.def.Canonical(), true
		}
	}
	return Definition{}, false
}

// Presets lists the built-in formats.
func Presets() []string {
	var names []string
	for _, p := range presets {
		names = append(names, p.name)
	}
	return names
}

// FromPattern gives the definition of a pattern without a schema: every named group is a String,
// optional when there are lines the pattern matches without it.
func FromPattern(pattern string) (Definition, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return Definition{}, fmt.Errorf("pattern: %w", err)
	}
	optional, err := optionalGroups(pattern)
	if err != nil {
		return Definition{}, err
	}
	d := Definition{Pattern: pattern}
	for _, name := range re.SubexpNames() {
		if name != "" {
			d.Columns = append(d.Columns, Column{Name: name, Optional: optional[name]})
		}
	}
	return d, d.Validate()
}
