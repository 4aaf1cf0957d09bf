package parse

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestZone_UTC_IsTheFirstInstantThatShowsIt(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
		"Pacific/Apia", "Asia/Kathmandu", "+05:30", "-12:00"} {
		z, err := loadZone(name)
		require.NoError(t, err)
		rapid.Check(t, func(t *rapid.T) {
			sec := rapid.Int64Range(0, 4102444800).Draw(t, "sec")
			wall := sec + z.offset(sec)
			got, ok := z.utc(wall)
			require.True(t, ok, name)
			require.LessOrEqual(t, got, sec, name)
			require.Equal(t, wall, got+z.offset(got), name)
		})
	}
}

func TestZone_UTC_WhereClocksChange(t *testing.T) {
	for _, c := range []struct{ zone, wall, want string }{
		{"Europe/Berlin", "2024-03-31T01:59:59Z", "2024-03-31T00:59:59Z"},
		{"Europe/Berlin", "2024-03-31T02:00:00Z", ""},
		{"Europe/Berlin", "2024-03-31T02:59:59Z", ""},
		{"Europe/Berlin", "2024-03-31T03:00:00Z", "2024-03-31T01:00:00Z"},
		{"Europe/Berlin", "2024-10-27T01:59:59Z", "2024-10-26T23:59:59Z"},
		{"Europe/Berlin", "2024-10-27T02:00:00Z", "2024-10-27T00:00:00Z"}, // shown twice
		{"Europe/Berlin", "2024-10-27T02:59:59Z", "2024-10-27T00:59:59Z"},
		{"Europe/Berlin", "2024-10-27T03:00:00Z", "2024-10-27T02:00:00Z"},
		{"Pacific/Apia", "2011-12-29T23:59:59Z", "2011-12-30T09:59:59Z"},
		{"Pacific/Apia", "2011-12-30T12:00:00Z", ""}, // a day that never was
		{"Pacific/Apia", "2011-12-31T00:00:00Z", "2011-12-30T10:00:00Z"},
	} {
		z, err := loadZone(c.zone)
		require.NoError(t, err)
		got, ok := z.utc(micros(t, c.wall) / 1e6)
		require.Equal(t, c.want != "", ok, c.wall)
		if ok {
			require.Equal(t, micros(t, c.want)/1e6, got, c.wall)
		}
	}
}

func TestLoadZone_Refuses(t *testing.T) {
	for _, s := range []string{"Local", "localtime", "Mars/Olympus", "../etc/passwd", "+5", "+24:00",
		"05:30", "+0530"} {
		_, err := loadZone(s)
		require.ErrorContains(t, err, "zone", s)
	}
}
