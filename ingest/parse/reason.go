package parse

import "slices"

// Reason says in one documented word why a record is no row. Words are stored in quarantine for
// ever: they are appended, never reworded.
type Reason string

// The reasons in order of precedence: a record that has several faults gets the first. Those
// after BadJSON are of one field; the first column at fault, in schema order, decides, and then
// the first member at fault that no column reads.
const (
	// TooLong is a fragment of a line of more than max_record_bytes; package batch gives it.
	TooLong Reason = "too_long"
	// Continued is the rest of a line whose first part was taken before; package batch gives it.
	Continued Reason = "continued"
	// InvalidUTF8 is a line that is not UTF-8 throughout.
	InvalidUTF8 Reason = "invalid_utf8"
	// NoMatch is a line that the pattern does not match as a whole.
	NoMatch Reason = "no_match"
	// BadJSON is a line that is not exactly one JSON object.
	BadJSON Reason = "bad_json"

	// MissingField is a required column whose group took no part or whose member is absent, or
	// whose text means null.
	MissingField Reason = "missing_field"
	// UnknownField is a member that no column reads; a regex cannot give it.
	UnknownField Reason = "unknown_field"
	// DuplicateField is a name that stands twice in one object; a regex cannot give it.
	DuplicateField Reason = "duplicate_field"
	// BadType is text that is no value of the column's type, timestamps apart, or a JSON value of
	// a kind in which values of the type are not written.
	BadType Reason = "bad_type"
	// BadTimestamp is text that is no timestamp in the column's layout.
	BadTimestamp Reason = "bad_timestamp"
	// OutOfRange is a value below min, above max or outside the time window.
	OutOfRange Reason = "out_of_range"
	// NotInSet is a value that enum does not list.
	NotInSet Reason = "not_in_set"
	// BadLength is a string with fewer or more characters than allowed.
	BadLength Reason = "bad_length"
	// BadPattern is a string that the column's own pattern does not match as a whole.
	BadPattern Reason = "bad_pattern"
)

var reasons = []Reason{TooLong, Continued, InvalidUTF8, NoMatch, BadJSON, MissingField,
	UnknownField, DuplicateField, BadType, BadTimestamp, OutOfRange, NotInSet, BadLength, BadPattern}

// Reasons lists every reason in order of precedence.
func Reasons() []Reason { return slices.Clone(reasons) }
