//go:build !crash

package spool

const (
	lossSeeds   = uint64(1)
	recoverStep = 4 // with `-tags crash` every call is tried; this is for a quick run
)
