//go:build crash

package crash_test

import "time"

const (
	randomBytes      = 256 << 20
	randomBatch      = 32 << 20
	fillerBytes      = 85_000
	randomRounds     = 200
	lossRounds       = 10
	twoRounds        = 25
	sweepLossBy      = 1
	longLine         = 3_000_000_000
	blankLines       = 1 << 30
	matrixBy         = 1
	sweepS3By        = 1
	sweepS3LossBy    = 3
	againS3By        = 3
	randomS3Rounds   = 50
	netBytes         = 64 << 20
	netBatch         = 4 << 20
	netDown          = time.Minute
	netHole          = 3 * time.Minute
	netStall         = "1m"
	netLatencyMillis = 200
	machineRounds    = 50
	deathBy          = 1
	deathLast        = 9 // a shard has fewer than 11 objects of rejects
)
