//go:build !soak

package tail_test

import "time"

// How many logs begin alike, in one site after the other, and how long the bucket takes to answer.
// With `-tags soak` it is the real thing.
var scaleLogs = []int{30, 120}

const (
	scaleAnswer = 5 * time.Millisecond
	// scaleSlack is how many times as long a log may take among many as among few. Beside other
	// tests nothing tight can be asked.
	scaleSlack = 4
	scaleAlone = false // whether nothing else runs meanwhile
)
