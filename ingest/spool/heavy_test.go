//go:build crash

package spool

const (
	lossSeeds   = uint64(20) // random losses for each crash
	recoverStep = 1          // of the calls after which a Recover is crashed
)
