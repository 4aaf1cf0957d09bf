//go:build crash

package tail_test

const (
	alikeRuns  = 20
	faultEvery = 1
)
