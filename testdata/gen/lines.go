package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// epoch is when the first line of every log was written: late in a day, so that a log has rows of
// two days.
var epoch = time.Date(2024, 1, 15, 21, 0, 0, 0, time.UTC)

// chance draws what lines hold; equal seeds draw equal lines, with any version of Go.
type chance struct {
	*rand.Rand
	at time.Time
}

func newChance(seed uint64) *chance {
	return &chance{rand.New(rand.NewPCG(seed, 0)), epoch.Add(time.Duration(seed) * time.Minute)}
}

func (c *chance) pick(words ...string) string { return words[c.IntN(len(words))] }

// next is the time of the next line: some lines share a second.
func (c *chance) next() time.Time {
	c.at = c.at.Add(time.Duration(c.IntN(90_000)) * time.Millisecond)
	return c.at
}

func combinedLines(seed uint64, n int) [][]byte {
	c := newChance(seed)
	lines := make([][]byte, n)
	for i := range lines {
		zone := time.FixedZone("", []int{0, 0, 3600, -19800}[c.IntN(4)])
		lines[i] = fmt.Appendf(nil, `%s - %s [%s] "%s %s %s" %s %s "%s" "%s"`,
			c.pick(fmt.Sprintf("203.0.113.%d", c.IntN(256)), "2001:db8::7", "host-3.example"),
			c.pick("-", "-", "-", "anna", "o'neill"),
			c.next().In(zone).Format("02/Jan/2006:15:04:05 -0700"),
			c.pick("GET", "GET", "GET", "POST", "HEAD"),
			c.pick("/", "/index.html", fmt.Sprintf("/item/%d?ref=%%20a", c.IntN(1000)), "/ünï"),
			c.pick("HTTP/1.1", "HTTP/1.0", "HTTP/2.0"),
			c.pick("200", "200", "200", "301", "404", "500"),
			c.pick("-", fmt.Sprint(c.IntN(100_000)), fmt.Sprint(c.IntN(100_000))),
			c.pick("-", "https://www.example/?q=a+b", `say \"hi\"`),
			c.pick("curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64)", `odd \"agent\" \\`, "-"))
	}
	return lines
}

func appLines(seed uint64, n int) [][]byte {
	c := newChance(seed)
	lines := make([][]byte, n)
	for i := range lines {
		lines[i] = fmt.Appendf(nil, "%s %s %s: %s",
			c.next().Format(c.pick(time.RFC3339, "2006-01-02T15:04:05.000Z07:00",
				"2006-01-02T15:04:05.000000000Z07:00")),
			c.pick("TRACE", "DEBUG", "INFO", "INFO", "INFO", "WARN", "ERROR", "FATAL"),
			c.pick("billing.api", "auth", fmt.Sprintf("worker-%d", c.IntN(9))),
			c.pick("charge accepted", fmt.Sprintf("request took %d ms", c.IntN(5000)),
				"naïve café ☕", "key=value: a: b", "tab\there", "a NUL \x00 within"))
	}
	return lines
}

// badApp has a good line, then lines whose pattern matches but whose fields do not pass.
func badApp() [][]byte {
	return [][]byte{
		[]byte("2024-01-15T10:30:00.123Z INFO billing.api: charge accepted"),
		[]byte("2024-02-30T10:30:00Z INFO billing.api: no such day"),
		[]byte("2024-01-15T10:30:00+25:00 INFO billing.api: no such zone"),
		[]byte("1989-12-31T23:59:59Z INFO billing.api: before the window"),
		[]byte("2100-01-01T00:00:00Z INFO billing.api: after the window"),
		[]byte("2024-01-15T10:30:00Z NOTICE billing.api: no such severity"),
		[]byte("2024-01-15T10:30:00Z info billing.api: small letters"),
		[]byte("2024-01-15T10:30:00Z INFO : no module"),
		[]byte("2024-01-15T10:30:00Z INFO billing.api: "),
		[]byte("2024-01-15T10:30:00.123456789Z INFO billing.api: finer than microseconds"),
		[]byte("2024-01-15T12:30:00+02:00 INFO billing.api: another zone"),
	}
}

// badCombined is the same for the combined format.
func badCombined() [][]byte {
	const host, end = `203.0.113.9 - - `, ` "-" "curl/8.5.0"`
	const at, get = `[15/Jan/2024:10:30:00 +0000] `, `"GET / HTTP/1.1" `
	return [][]byte{
		[]byte(host + at + get + `200 512` + end),
		[]byte(host + `[30/Feb/2024:10:30:00 +0000] ` + get + `200 512` + end),
		[]byte(host + `[15/Jan/1970:10:30:00 +0000] ` + get + `200 512` + end),
		[]byte(host + at + get + `99999999999 512` + end),
		[]byte(host + at + get + `200 99999999999999999999` + end),
		[]byte(host + at + get + `200 -7` + end),
		[]byte(host + at + `"-" 408 0` + end),
		[]byte(host + at + `"GET /" 400 0` + end),
		[]byte(host + at + `"\x16\x03\x01" 400 0` + end),
		[]byte(host + at + get + `- -` + end),
		[]byte(host + at + get + `200 512`),
	}
}
