package batch

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPartition_RoundTripsAndSorts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := rapid.SampledFrom([]Granularity{Day, Hour}).Draw(t, "granularity")
		from := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
		to := time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC).UnixMicro()
		micros := rapid.Int64Range(from, to)
		a, b := g.PartitionOf(micros.Draw(t, "a")), g.PartitionOf(micros.Draw(t, "b"))
		got, err := ParsePartition(a.Path())
		require.NoError(t, err)
		require.Equal(t, a, got)
		require.Equal(t, a.Compare(b), slices.Compare([]byte(a.Path()), []byte(b.Path())))
	})
}

func TestPartition_OfATime_IsUTC(t *testing.T) {
	for at, want := range map[string]string{
		"2024-01-15T03:59:59.999999Z":  "dt=2024-01-15/hour=03",
		"2024-01-15T00:30:00+01:00":    "dt=2024-01-14/hour=23",
		"1969-12-31T23:59:59.999999Z":  "dt=1969-12-31/hour=23",
		"1970-01-01T00:00:00Z":         "dt=1970-01-01/hour=00",
		"0000-01-01T00:00:00Z":         "dt=0000-01-01/hour=00",
		"2024-02-29T12:00:00.5-11:30":  "dt=2024-02-29/hour=23",
		"1969-12-31T00:00:00Z":         "dt=1969-12-31/hour=00",
		"9999-12-31T23:59:59.9999999Z": "dt=9999-12-31/hour=23",
	} {
		instant, err := time.Parse(time.RFC3339Nano, at)
		require.NoError(t, err)
		require.Equal(t, want, Hour.PartitionOf(instant.UnixMicro()).Path())
		require.Equal(t, want[:len("dt=2024-01-15")], Day.PartitionOf(instant.UnixMicro()).Path())
	}
	require.Equal(t, "dt=__HIVE_DEFAULT_PARTITION__", NoPartition().Path())
}

func TestPartition_ParseRefuses(t *testing.T) {
	for _, s := range []string{"", "dt=", "2024-01-15", "dt=2024-1-15", "dt=2024-02-30",
		"dt=2024-01-15/", "dt=2024-01-15/hour=", "dt=2024-01-15/hour=3", "dt=2024-01-15/hour=24",
		"dt=2024-01-15/hour=+3", "dt=2024-01-15/hour=-1", "dt=2024-01-15/03", "hour=03",
		"dt=2024-01-15/hour=03/", "dt=__HIVE_DEFAULT_PARTITION__/hour=03"} {
		_, err := ParsePartition(s)
		require.Error(t, err, s)
	}
	got, err := ParsePartition("dt=__HIVE_DEFAULT_PARTITION__")
	require.NoError(t, err)
	require.Equal(t, NoPartition(), got)
}

func TestGranularity_RoundTrips(t *testing.T) {
	for _, g := range []Granularity{Day, Hour} {
		b, err := g.MarshalText()
		require.NoError(t, err)
		var got Granularity
		require.NoError(t, got.UnmarshalText(b))
		require.Equal(t, g, got)
	}
	_, err := ParseGranularity("week")
	require.Error(t, err)
	_, err = Granularity(2).MarshalText()
	require.Error(t, err)
}
