//go:build crash

package offsets

const (
	flipStep      = 13
	flipHeads     = pageSize
	flipHeadPages = 4
	changeStep    = 4
	killRounds    = 200
)
