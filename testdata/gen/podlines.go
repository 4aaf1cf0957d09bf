package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// part is one write of a container runtime.
type part struct {
	at     time.Time
	stream string
	last   bool
	text   string
}

// podParts are what a program wrote on its two streams, as JSON and as text, whose lines the runtime
// split now and then; so parts of the one stream stand between those of the other.
func podParts(seed uint64, n int) []part {
	c := newChance(seed)
	open := map[string][]string{}
	var parts []part
	for i := 0; i < n; i++ {
		stream := c.pick("stdout", "stdout", "stderr")
		rest, ok := open[stream]
		if !ok {
			line := fmt.Sprintf(`{"level":%q,"msg":"step %d of naïve café","took":%d}`,
				c.pick("info", "warn", "error"), i, c.IntN(900))
			if c.IntN(6) == 0 {
				line = c.pick("panic: no such key", "", "goroutine 1 [running]:")
			}
			rest = []string{line}
			for c.IntN(4) == 0 && len(rest[len(rest)-1]) > 8 {
				last := rest[len(rest)-1]
				cut := 1 + c.IntN(len(last)-1)
				rest = append(rest[:len(rest)-1], last[:cut], last[cut:])
			}
		}
		parts = append(parts, part{c.next(), stream, len(rest) == 1, rest[0]})
		if rest = rest[1:]; len(rest) > 0 {
			open[stream] = rest
		} else {
			delete(open, stream)
		}
	}
	return parts
}

// criLines are as containerd and cri-o write them.
func criLines(seed uint64, n int) [][]byte {
	c := newChance(seed + 100)
	var lines [][]byte
	for _, p := range podParts(seed, n) {
		at := p.at.Format(c.pick("2006-01-02T15:04:05.000000000Z07:00", "2006-01-02T15:04:05.000-07:00"))
		tag := map[bool]string{true: "F", false: "P"}[p.last]
		lines = append(lines, fmt.Appendf(nil, "%s %s %s %s", at, p.stream, tag, p.text))
	}
	return lines
}

// dockerLines are as Docker's json-file driver writes them.
func dockerLines(seed uint64, n int) [][]byte {
	c := newChance(seed + 200)
	var lines [][]byte
	for _, p := range podParts(seed, n) {
		text := p.text
		if p.last {
			text += "\n"
		}
		// What JSON cannot hold of a character that was cut in two is replaced, as Docker does it.
		body, err := json.Marshal(strings.ToValidUTF8(text, "\ufffd"))
		if err != nil {
			fail(err)
		}
		attrs := c.pick("", "", "", `"attrs":{"env":"test"},`)
		lines = append(lines, fmt.Appendf(nil, `{"log":%s,"stream":%q,%s"time":%q}`, body, p.stream, attrs,
			p.at.Format(time.RFC3339Nano)))
	}
	return lines
}

// badCRI has a good line, and then lines and records that each have a fault.
func badCRI() [][]byte {
	const at = "2024-01-15T10:30:00.5Z "
	var lines [][]byte
	for _, l := range []string{
		at + `stdout F {"level":"info","msg":"m"}`,
		at + `stdout F:x {"level":"info","msg":"m","took":1}`,
		at + `stdout X {"level":"info","msg":"m"}`,
		at + `stdlog F {"level":"info","msg":"m"}`,
		at + `stdout F`,
		at + `stdout F `,
		`2024-01-15 10:30:00 stdout F {"level":"info","msg":"m"}`,
		`2024-02-30T10:30:00Z stdout F {"level":"info","msg":"m"}`,
		`1969-01-15T10:30:00Z stdout F {"level":"info","msg":"m"}`,
		at + `stdout F {"level":"info"}`,
		at + `stdout F no object`,
		at + "stdout F {\"level\":\"info\",\"msg\":\"\xff\"}",
		at + "stdout P {\"level\":\"info\",\"msg\":\"\xe2\x98",
		at + "stdout F \x95\"}",
		at + `stdout P {"level":"info",`,
		at + `stderr F {"level":"warn","msg":"between"}`,
		at + `stdout F "msg":7}`,
		at + `stdout P {"level":"info","msg":"the end is not there"}`,
	} {
		lines = append(lines, []byte(l))
	}
	return lines
}
