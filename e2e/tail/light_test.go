//go:build !crash

package tail_test

// What takes long is done in part. With `-tags crash` it is the real thing.
const (
	// alikeRuns is how often the stories of logs that begin alike are told.
	alikeRuns = 1
	// faultEvery is which part of the faults that there are befalls a tail.
	faultEvery = 23
)
