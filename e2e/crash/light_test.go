//go:build !crash

package crash_test

import "time"

// How large the tests are. With `-tags crash` they are the real thing.
const (
	randomBytes  = 8 << 20 // of the log that is loaded
	randomBatch  = 1 << 20
	fillerBytes  = 0
	randomRounds = 6
	lossRounds   = 2 // of each kind of loss
	twoRounds    = 3
	sweepLossBy  = 7 // after which of the sweep's kills the state is lost, too
	longLine     = 48 << 20
	blankLines   = 32 << 20
	matrixBy     = 23 // at which of a load's requests the step matrix strikes
	// at which of a load's calls the sweeps over a bucket kill
	sweepS3By      = 29
	sweepS3LossBy  = 71
	againS3By      = 43
	randomS3Rounds = 2
	netBytes       = 3 << 20
	netBatch       = netBytes / 12
	netDown        = 3 * time.Second
	netHole        = 3 * time.Second
	// after which a connection that stands still is given up
	netStall         = "1s"
	netLatencyMillis = 30
	machineRounds    = 1
	// which of a load's moments machines are lost at
	deathBy   = 5
	deathLast = 3
)
