//go:build crash

package crash_test

const (
	randomBytes    = 256 << 20
	randomBatch    = 32 << 20
	fillerBytes    = 85_000
	randomRounds   = 200
	lossRounds     = 10
	twoRounds      = 25
	sweepLossBy    = 1
	longLine       = 3_000_000_000
	blankLines     = 1 << 30
	matrixBy       = 1
	sweepS3By      = 1
	sweepS3LossBy  = 3
	againS3By      = 3
	randomS3Rounds = 50
)
