package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"logseal/ingest/parse"
)

// reasonCounts is how many rejects there are of each reason.
type reasonCounts map[parse.Reason]int64

// add counts those of another, too, but for reasons that none has.
func (r reasonCounts) add(more map[parse.Reason]int64) {
	for reason, n := range more {
		if n != 0 {
			r[reason] += n
		}
	}
}

// inParentheses names the reasons and their numbers for a person.
func (r reasonCounts) inParentheses() string {
	if len(r) == 0 {
		return ""
	}
	var each []string
	for _, reason := range slices.Sorted(maps.Keys(r)) {
		each = append(each, humanize.Comma(r[reason])+" "+string(reason))
	}
	return " (" + strings.Join(each, ", ") + ")"
}
