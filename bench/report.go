package bench

import (
	"slices"

	"logseal/ingest/parse"
)

// The names of the stages, in their order. They are part of the report's format.
const (
	Read           = "read"
	Decompress     = "decompress"
	Split          = "split"
	Chain          = "chain"
	MatchConvert   = "match_convert"
	EncodeCompress = "encode_compress"
	All            = "all"
)

// Report is what a Run measured.
type Report struct {
	Files       int64 `json:"files"`
	StoredBytes int64 `json:"stored_bytes"` // as the files hold them
	Counts
	Repeats int `json:"repeats"`
	// Stages holds each stage that ran; Decompress is left out when no file is compressed. All
	// stands once for one core and, where there are more, once for all of them.
	Stages []Stage `json:"stages"`
}

// Counts is what became of the files' bytes.
type Counts struct {
	Bytes        int64 `json:"bytes"` // decompressed; what a file grows by later is not read
	Records      int64 `json:"records"`
	Rows         int64 `json:"rows"`
	Rejects      int64 `json:"rejects"`
	Skipped      int64 `json:"skipped"` // lines
	SkippedBytes int64 `json:"skipped_bytes"`
	Objects      int64 `json:"objects"`
	BytesOut     int64 `json:"bytes_out"`
	// Reasons counts the rejects; it is never nil.
	Reasons map[parse.Reason]int64 `json:"reasons"`
}

// add adds what o holds.
func (c *Counts) add(o Counts) {
	c.Bytes += o.Bytes
	c.Records += o.Records
	c.Rows += o.Rows
	c.Rejects += o.Rejects
	c.Skipped += o.Skipped
	c.SkippedBytes += o.SkippedBytes
	c.Objects += o.Objects
	c.BytesOut += o.BytesOut
	for reason, n := range o.Reasons {
		if c.Reasons == nil {
			c.Reasons = make(map[parse.Reason]int64)
		}
		c.Reasons[reason] += n
	}
}

// Stage is what one stage costs. Every number but Cores is the median of the repeats. MB are
// millions of bytes, and bytes are decompressed ones for every stage, so stages compare and their
// times add up. A rate is 0 where there is nothing to divide by.
type Stage struct {
	Name             string  `json:"stage"`
	Cores            int     `json:"cores"`
	Seconds          float64 `json:"seconds"`     // by the clock
	CPUSeconds       float64 `json:"cpu_seconds"` // of the process, the garbage collector included
	MBPerSecond      float64 `json:"mb_per_second"`
	RecordsPerSecond float64 `json:"records_per_second"`
	NSPerRecord      float64 `json:"ns_per_record"`
	CPUNSPerRecord   float64 `json:"cpu_ns_per_record"`
	AllocsPerRecord  float64 `json:"allocs_per_record"`
	AllocBytesPerRec float64 `json:"alloc_bytes_per_record"`
	// BytesOut is what a stage gives that makes objects; null for the others.
	BytesOut *int64 `json:"bytes_out"`
	// Spread is how far apart the repeats lie: (most - least) / median of their seconds.
	Spread float64 `json:"spread"`
}

// sample is one repeat of one stage.
type sample struct {
	cost
	bytes   int64
	records int64
	out     int64
}

// newStage makes a Stage of the samples of its repeats, of which there is at least one.
func newStage(name string, cores int, samples []sample) Stage {
	of := func(number func(s sample) float64) float64 {
		var all []float64
		for _, s := range samples {
			all = append(all, number(s))
		}
		return median(all)
	}
	seconds := func(s sample) float64 { return s.wall.Seconds() }
	perRecord := func(number func(s sample) float64) func(s sample) float64 {
		return func(s sample) float64 { return ratio(number(s), float64(s.records)) }
	}
	st := Stage{
		Name: name, Cores: cores,
		Seconds:    of(seconds),
		CPUSeconds: of(func(s sample) float64 { return s.cpu.Seconds() }),
		MBPerSecond: of(func(s sample) float64 {
			return ratio(float64(s.bytes)/1e6, s.wall.Seconds())
		}),
		RecordsPerSecond: of(func(s sample) float64 {
			return ratio(float64(s.records), s.wall.Seconds())
		}),
		NSPerRecord:      of(perRecord(func(s sample) float64 { return float64(s.wall) })),
		CPUNSPerRecord:   of(perRecord(func(s sample) float64 { return float64(s.cpu) })),
		AllocsPerRecord:  of(perRecord(func(s sample) float64 { return float64(s.allocs) })),
		AllocBytesPerRec: of(perRecord(func(s sample) float64 { return float64(s.allocBytes) })),
	}
	if name == EncodeCompress || name == All {
		out := int64(of(func(s sample) float64 { return float64(s.out) }))
		st.BytesOut = &out
	}
	least, most := samples[0].wall, samples[0].wall
	for _, s := range samples {
		least, most = min(least, s.wall), max(most, s.wall)
	}
	st.Spread = ratio((most - least).Seconds(), st.Seconds)
	return st
}

// median is the middle of the numbers, or the mean of the two in the middle.
func median(numbers []float64) float64 {
	s := slices.Sorted(slices.Values(numbers))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// ratio is a/b, or 0 when b is 0, which JSON can hold.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
