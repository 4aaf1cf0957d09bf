//go:build !crash

package offsets

// Which bytes of a ledger are flipped. With `-tags crash` it is many more.
const (
	flipStep      = 509 // bytes between two
	flipHeads     = 80  // and all of the first ones of the first pages: header and elements
	flipHeadPages = 5
	changeStep    = 16 // of the ledgers that open, which one is changed too
	killRounds    = 14
)
