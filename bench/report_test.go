package bench

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/parse"
)

func TestNewStage_Medians(t *testing.T) {
	of := func(wall, cpu time.Duration, allocs uint64) sample {
		return sample{cost: cost{wall: wall, cpu: cpu, allocs: allocs, allocBytes: 100 * allocs},
			bytes: 6e6, records: 1000, out: 500}
	}
	s := newStage(EncodeCompress, 1, []sample{of(3*time.Second, time.Second, 10),
		of(time.Second, 2*time.Second, 30), of(2*time.Second, 4*time.Second, 20)})
	out := int64(500)
	require.Equal(t, Stage{Name: EncodeCompress, Cores: 1, Seconds: 2, CPUSeconds: 2, MBPerSecond: 3,
		RecordsPerSecond: 500, NSPerRecord: 2e6, CPUNSPerRecord: 2e6, AllocsPerRecord: 0.02,
		AllocBytesPerRec: 2, BytesOut: &out, Spread: 1}, s)

	s = newStage(Read, 1, []sample{of(time.Second, 0, 0), of(3*time.Second, 0, 0)})
	require.Equal(t, 2.0, s.Seconds)
	require.Equal(t, 4.0, s.MBPerSecond)
	require.Nil(t, s.BytesOut)

	require.Equal(t, Stage{Name: Read, Cores: 1}, newStage(Read, 1, []sample{{}}))
}

// The tags are an interface: scripts read them.
func TestReport_JSON(t *testing.T) {
	out := int64(9)
	b, err := json.Marshal(Report{Files: 1, StoredBytes: 2, Counts: Counts{Bytes: 3, Records: 4,
		Rows: 5, Rejects: 6, Skipped: 7, SkippedBytes: 8, Objects: 9, BytesOut: 10,
		Reasons: map[parse.Reason]int64{parse.NoMatch: 11}}, Repeats: 12,
		Stages: []Stage{{Name: Read, Cores: 1, Seconds: 2, CPUSeconds: 3, MBPerSecond: 4,
			RecordsPerSecond: 5, NSPerRecord: 6, CPUNSPerRecord: 7, AllocsPerRecord: 8,
			AllocBytesPerRec: 8.5, Spread: 9.5}, {Name: All, BytesOut: &out}}})
	require.NoError(t, err)
	require.Equal(t, `{"files":1,"stored_bytes":2,"bytes":3,"records":4,"rows":5,"rejects":6,`+
		`"skipped":7,"skipped_bytes":8,"objects":9,"bytes_out":10,"reasons":{"no_match":11},`+
		`"repeats":12,"stages":[{"stage":"read","cores":1,"seconds":2,"cpu_seconds":3,`+
		`"mb_per_second":4,"records_per_second":5,"ns_per_record":6,"cpu_ns_per_record":7,`+
		`"allocs_per_record":8,"alloc_bytes_per_record":8.5,"bytes_out":null,"spread":9.5},`+
		`{"stage":"all","cores":0,"seconds":0,"cpu_seconds":0,"mb_per_second":0,`+
		`"records_per_second":0,"ns_per_record":0,"cpu_ns_per_record":0,"allocs_per_record":0,`+
		`"alloc_bytes_per_record":0,"bytes_out":9,"spread":0}]}`, string(b))
}
