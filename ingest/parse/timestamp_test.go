package parse

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func micros(t testing.TB, rfc3339 string) int64 {
	at, err := time.Parse(time.RFC3339Nano, rfc3339)
	require.NoError(t, err)
	return at.UnixMicro()
}

func format(t testing.TB, layout, zone string) *timeFormat {
	f, err := newTimeFormat(layout, zone)
	require.NoError(t, err)
	return f
}

func TestTimeFormat_Parse(t *testing.T) {
	const access = "02/Jan/2006:15:04:05 -0700"
	for _, c := range []struct{ layout, zone, text, want string }{
		{"", "", "2024-01-15T10:30:00Z", "2024-01-15T10:30:00Z"},
		{LayoutRFC3339, "", "2024-01-15T10:30:00.1234567891234+05:30", "2024-01-15T05:00:00.123456Z"},
		{LayoutRFC3339, "", "1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z"},
		{LayoutRFC3339, "", "2024-02-29T00:00:00-23:59", "2024-02-29T23:59:00Z"},
		{LayoutEpochS, "", "1705314600", "2024-01-15T10:30:00Z"},
		{LayoutEpochS, "", "001705314600.0000019", "2024-01-15T10:30:00.000001Z"},
		{LayoutEpochS, "", "-0.5", "1969-12-31T23:59:59.5Z"},
		{LayoutEpochMS, "", "1705314600123", "2024-01-15T10:30:00.123Z"},
		{LayoutEpochMS, "", "1705314600123.4567", "2024-01-15T10:30:00.123456Z"},
		{LayoutEpochMS, "", "-1", "1969-12-31T23:59:59.999Z"},
		{access, "", "15/Jan/2024:11:30:00 +0100", "2024-01-15T10:30:00Z"},
		{"2006-01-02 15:04:05,000", "", "2024-01-15 10:30:00,123", "2024-01-15T10:30:00.123Z"},
		{"2006-01-02 15:04:05", "", "2024-01-15 10:30:00.1234567", "2024-01-15T10:30:00.123456Z"},
		{"2006-01-02 15:04:05", "+05:30", "2024-01-15 10:30:00", "2024-01-15T05:00:00Z"},
		{"2006-01-02 15:04:05", "Europe/Berlin", "2024-07-15 10:30:00", "2024-07-15T08:30:00Z"},
		{"2006-01-02 15:04:05.000000000", "Europe/Berlin", "2024-01-15 10:30:00.123456789",
			"2024-01-15T09:30:00.123456Z"},
		{"2006-01-02 15:04:05 EST", "-05:00", "2024-01-15 10:30:00 EST", "2024-01-15T15:30:00Z"},
		{"060102 150405", "", "081109 203518", "2008-11-09T20:35:18Z"},
		{"2006 002", "", "2024 366", "2024-12-31T00:00:00Z"},
		{"2006-01-02 15:04:05 'MST'", "MST", "2024-01-15 10:30:00 MST", "2024-01-15T17:30:00Z"},
		{"'Jan 2': Jan 2 15:04:05 2006", "", "Jan 2: Feb 3 10:30:00 2024", "2024-02-03T10:30:00Z"},
		{"Mon'n'Mon 2 Jan 2006 15'h'04", "", "MonnMon 15 Jan 2024 10h30", "2024-01-15T10:30:00Z"},
		{"2006''01''02", "", "2024'01'15", "2024-01-15T00:00:00Z"},
		{"01/02/2006 03:04:05 PM", "", "01/15/2024 10:30:00 PM", "2024-01-15T22:30:00Z"},
	} {
		got, reason := format(t, c.layout, c.zone).parse([]byte(c.text))
		require.Empty(t, reason, c.text)
		require.Equal(t, micros(t, c.want), got, c.text)
	}
}

func TestTimeFormat_Parse_Refuses(t *testing.T) {
	const local = "2006-01-02 15:04:05"
	for _, c := range []struct {
		layout, zone, text string
		want               Reason
	}{
		{"", "", "", BadTimestamp},
		{"", "", "2024-01-15T10:30:00", BadTimestamp},
		{"", "", "2024-01-15 10:30:00Z", BadTimestamp},
		{"", "", "2024-01-15t10:30:00Z", BadTimestamp},
		{"", "", "2024-01-15T10:30:00z", BadTimestamp},
		{"", "", "2024-01-15T1:30:00Z", BadTimestamp},
		{"", "", "2024-01-15T10:30:00,5Z", BadTimestamp},
		{"", "", "2024-01-15T10:30:00.Z", BadTimestamp},
		{"", "", "2024-01-15T10:30:00+24:00", BadTimestamp},
		{"", "", "2024-01-15T10:30:00+01:60", BadTimestamp},
		{"", "", "2024-01-15T10:30:00+0100", BadTimestamp},
		{"", "", "2024-01-15T10:30:60Z", BadTimestamp},
		{"", "", "2024-01-15T24:00:00Z", BadTimestamp},
		{"", "", "2023-02-29T00:00:00Z", BadTimestamp},
		{"", "", "1900-02-29T00:00:00Z", BadTimestamp},
		{"", "", "2024-13-01T00:00:00Z", BadTimestamp},
		{"", "", "2024-00-01T00:00:00Z", BadTimestamp},
		{"", "", "2024-04-31T00:00:00Z", BadTimestamp},
		{"", "", "2024-04-00T00:00:00Z", BadTimestamp},
		{"", "", "0000-01-01T00:00:00+00:01", OutOfRange},
		{"", "", "9999-12-31T23:59:59.9999999-00:01", OutOfRange},
		{LayoutEpochS, "", "", BadTimestamp},
		{LayoutEpochS, "", "-", BadTimestamp},
		{LayoutEpochS, "", "+1", BadTimestamp},
		{LayoutEpochS, "", "1.", BadTimestamp},
		{LayoutEpochS, "", ".5", BadTimestamp},
		{LayoutEpochS, "", "1e9", BadTimestamp},
		{LayoutEpochS, "", "1.5.2", BadTimestamp},
		{LayoutEpochS, "", "253402300800", OutOfRange},
		{LayoutEpochS, "", "-62167219200.000001", OutOfRange},
		{LayoutEpochS, "", "9223372036854775807", OutOfRange},
		{LayoutEpochS, "", "99999999999999999999999", OutOfRange},
		{LayoutEpochMS, "", "253402300800000", OutOfRange},
		{local, "", "2024-01-15 10:30", BadTimestamp},
		{local, "", "2024-02-30 10:30:00", BadTimestamp},
		{local, "Europe/Berlin", "2024-03-31 02:30:00", BadTimestamp}, // clocks skip it
		{local + " 'MST'", "", "2024-01-15 10:30:00 EST", BadTimestamp},
		{local + " 'MST'", "", "2024-01-15 10:30:00 MST ", BadTimestamp},
		{local + " 'MST'", "", "2024-01-15 10:30:00 \x01", BadTimestamp},
		{local + " 'MST'", "", strings.Repeat("MST", 1<<18), BadTimestamp},
	} {
		_, reason := format(t, c.layout, c.zone).parse([]byte(c.text))
		require.Equal(t, c.want, reason, c.text)
	}
}

// A reject says why a text is no time that looks like one.
func TestTimeFormat_SaysWhyThereIsNoSuchTime(t *testing.T) {
	const local = "2006-01-02 15:04:05"
	const sixty = "second 60: a leap second, which no instant stands for"
	for _, c := range []struct{ layout, zone, text, want string }{
		{"", "", "2016-12-31T23:59:60Z", sixty},
		{"", "", "2016-12-31T23:59:60.5+01:00", sixty},
		{local, "", "2016-12-31 23:59:60", sixty},
		{local, "Europe/Berlin", "2017-01-01 00:59:60", sixty},
		{local + " 'MST'", "MST", "2016-12-31 16:59:60 MST", sixty},
		{"02/Jan/2006:15:04:05 -0700", "", "31/Dec/2016:23:59:60 +0000", sixty},
		{local, "Europe/Berlin", "2024-03-31 02:30:00",
			"a local time that never was in zone Europe/Berlin: clocks were put forward over it"},
		{local, "", "2016-12-31 23:60:00", ""},
		{local, "", "2016-12-31 23:59:61", ""},
		{"", "", "2016-13-31T23:59:60Z", ""},
		{"", "", "yesterday", ""},
		{LayoutEpochS, "", "60x", ""},
		{local, "", strings.Repeat("60", 1<<19), ""},
	} {
		f := format(t, c.layout, c.zone)
		_, reason := f.parse([]byte(c.text))
		require.Equal(t, BadTimestamp, reason, c.text)
		require.Equal(t, c.want, f.why([]byte(c.text)), c.text)
	}
}

func TestParseDate_IsTheCalendarOfPackageTime(t *testing.T) {
	day := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	for want := int32(day.Unix() / 86400); day.Year() < 10000; want++ {
		got, ok := parseDate(day.AppendFormat(nil, "2006-01-02"))
		if !ok || got != want {
			t.Fatalf("%s: want %d, got %d (%t)", day.Format("2006-01-02"), want, got, ok)
		}
		day = day.AddDate(0, 0, 1)
	}
}

// strictRFC3339 is what our grammar adds to what time.Parse takes.
var strictRFC3339 = regexp.MustCompile(
	`\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)\z`)

func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{"2024-01-15T10:30:00.123Z", "2024-02-29T23:59:59+05:30", "",
		"0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2024-01-15T10:30:00,5Z",
		"2024-01-15T1:30:00Z", "2024-01-15T10:30:00-24:00", "1969-12-31T23:59:59.9999999999Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := time.Parse(time.RFC3339, s)
		got, ok := parseRFC3339([]byte(s))
		require.Equal(t, err == nil && strictRFC3339.MatchString(s), ok)
		if ok {
			require.Equal(t, want.UnixMicro(), got)
		}
	})
}

func TestParseRFC3339_IsPackageTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sec := rapid.Int64Range(-62167219200+86400, 253402300799-86400).Draw(t, "sec")
		nsec := rapid.Int64Range(0, 999999999).Draw(t, "nsec")
		offset := rapid.IntRange(-24*60+1, 24*60-1).Draw(t, "offset")
		at := time.Unix(sec, nsec).In(time.FixedZone("", offset*60))
		got, ok := parseRFC3339(at.AppendFormat(nil, time.RFC3339Nano))
		require.True(t, ok)
		require.Equal(t, at.UnixMicro(), got)
	})
}
