// Package widetest tells tests how far to search.
package widetest

// UpTo gives how much a search does: few in a test that is run all the time, many in a wide one.
func UpTo(few, many int) int {
	if Wide {
		return many
	}
	return few
}
