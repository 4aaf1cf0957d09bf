package main

import (
	"fmt"
	"strings"
	"time"
)

// jsonLines are as a service writes them, with members in two orders, in objects and in none, and
// some that testdata/json.yaml has no column for.
func jsonLines(seed uint64, n int) [][]byte {
	c := newChance(seed)
	lines := make([][]byte, n)
	for i := range lines {
		at := c.next().Format(c.pick(time.RFC3339, "2006-01-02T15:04:05.000Z07:00"))
		level := c.pick("debug", "info", "info", "warn", "error")
		message := c.pick("request done", `say \"hi\"`, `na\u00efve caf\u00e9 ☕`, `\ud83d\ude00`,
			`tab\there`, `a NUL \u0000 within`, `C:\\temp\/x`)
		request := fmt.Sprintf(`{"method":%q,"status":%d,"took":%s%s}`, c.pick("GET", "POST"),
			200+c.IntN(300), c.pick("1.5e-3", "0.25", "12", fmt.Sprint(c.IntN(9000))),
			c.pick("", "", `,"headers":{"Host":"www.example","User-Agent":"curl/8.5.0"}`))
		more := c.pick("", "", `,"trace_id":9007199254740993`, `,"tags":["a", {"b":null}]`,
			`,"user":null`, `,"user":"anna"`)
		if c.IntN(3) == 0 {
			lines[i] = fmt.Appendf(nil, `{ "level": %q, "msg": "%s", "request": %s, "@timestamp": %q%s }`,
				level, message, request, at, more)
			continue
		}
		lines[i] = fmt.Appendf(nil, `{"@timestamp":%q,"level":%q,"request":%s,"msg":"%s"%s}`,
			at, level, request, message, more)
	}
	return lines
}

// badJSON has a good line, and then lines that each have a fault, of the line or of a field.
func badJSON() [][]byte {
	const at, good = `"@timestamp":"2024-01-15T10:30:00Z"`, `"request":{"status":200}`
	const level, msg = `"level":"info"`, `"msg":"m"`
	line := func(members ...string) []byte { return []byte("{" + strings.Join(members, ",") + "}") }
	return [][]byte{
		line(at, level, msg, good),
		line(at, level, msg, good)[:40],
		append(line(at, level, msg, good), "{}"...),
		line(at, level, `"msg":"\ud800"`, good),
		line(at, level, `"msg":"\x41"`, good),
		line(at, level, "\"msg\":\"a\ttab\"", good),
		line(at, level, msg, good, `"n":01`),
		line(at, level, msg, good, `"n":NaN`),
		line(at, level, msg, `"request":{}`),
		line(at, level, msg, `"request":null`),
		line(level, msg, good),
		line(at, level, msg, good, level),
		line(at, level, msg, good, `"z":{"a":1,"\u0061":2}`),
		line(at, level, msg, `"request":"GET /"`),
		line(at, level, msg, `"request":{"status":"200"}`),
		line(at, level, msg, `"request":{"status":2e2}`),
		line(at, level, `"msg":7`, good),
		line(`"@timestamp":1705314600`, level, msg, good),
		line(`"@timestamp":"15/Jan/2024"`, level, msg, good),
		line(`"@timestamp":"1989-12-31T23:59:59Z"`, level, msg, good),
		line(at, level, msg, `"request":{"status":99}`),
		line(at, `"level":"loud"`, msg, good),
		line(at, level, `"msg":""`, good),
		[]byte(`[1]`),
		[]byte(`null`),
	}
}
