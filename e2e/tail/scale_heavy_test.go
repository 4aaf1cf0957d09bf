//go:build soak

package tail_test

import "time"

var scaleLogs = []int{30, 300, 3000}

const (
	scaleAnswer = 50 * time.Millisecond
	scaleSlack  = 1.5
	scaleAlone  = true
)
