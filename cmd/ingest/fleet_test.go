package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/stretchr/testify/require"

	"logseal/ingest/config"
)

// The fleet of docs/fleet.md.
const (
	fleetHosts       = 10_000
	fleetCompression = 10   // log to Parquet
	usdPerPut        = 5e-6 // S3 Standard, us-east-1
	usdPerGet        = 0.4e-6
)

// fleetRow is a row of the table: a file a host, written to all day.
func fleetRow(rate float64, age time.Duration) string {
	size := min(config.TailBatchBytes, rate*age.Seconds())
	batches := rate * (24 * time.Hour).Seconds() / size
	puts := 2*batches + 1 // a midnight falls into one of them
	usd := fleetHosts * (puts*usdPerPut + batches*usdPerGet)
	return fmt.Sprintf("| %s/s | %s | %s | %s | %s | %.2f | %s |", bytesText(rate),
		config.DurationText(age), bytesText(fleetHosts*rate*(24*time.Hour).Seconds()),
		humanize.Comma(int64(fleetHosts*batches)), humanize.Comma(int64(fleetHosts*puts)), usd,
		bytesText(size/fleetCompression))
}

// bytesText is a size as the document writes it: three digits at most of what is not whole.
func bytesText(n float64) string {
	for _, u := range []struct {
		name string
		size float64
	}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}} {
		if n >= u.size && n != u.size {
			return fmt.Sprintf("%.1f %s", n/u.size, u.name)
		} else if n == u.size {
			return "1 " + u.name
		}
	}
	return fmt.Sprintf("%.0f kB", n/1e3)
}

// The table of the document is what its formulas give.
func TestDocs_FleetTable(t *testing.T) {
	body, err := os.ReadFile("../../docs/fleet.md")
	require.NoError(t, err)
	rows := regexp.MustCompile(`(?m)^\| ([0-9]+) (kB|MB)/s \| ([0-9]+[mh]) \|.*$`).FindAllStringSubmatch(
		string(body), -1)
	require.Greater(t, len(rows), 5)
	for _, row := range rows {
		rate, err := config.ParseSize(row[1] + strings.ToUpper(row[2]))
		require.NoError(t, err)
		age, err := time.ParseDuration(row[3])
		require.NoError(t, err)
		require.Equal(t, fleetRow(float64(rate), age), row[0])
	}
}
