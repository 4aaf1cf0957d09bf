package tail

import "time"

// The defaults of TailConfig.
const (
	DefaultPollInterval = time.Second
	DefaultCloseWait    = time.Minute
	DefaultCopyWait     = time.Hour
	DefaultHoldBytes    = 48 << 20
)

// timing is what of a TailConfig a reload may change at any time.
type timing struct {
	PollInterval, CloseWait, CopyWait, Grace time.Duration
	HoldBytes                                int64
}

func timingOf(cfg TailConfig) *timing {
	return &timing{
		PollInterval: orDefault(cfg.PollInterval, DefaultPollInterval),
		CloseWait:    orDefault(cfg.CloseWait, DefaultCloseWait),
		CopyWait:     orDefault(cfg.CopyWait, DefaultCopyWait),
		Grace:        cfg.Grace,
		HoldBytes:    orDefault(cfg.HoldBytes, DefaultHoldBytes),
	}
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// set gives what is set now.
func (c *configured) set() *timing { return c.timing.Load() }
