package verify

import (
	"bytes"
	"testing"
)

// A file that is proved to be one source may be undecided about another that begins alike and is
// longer than the file, without a batch end before its end. It is the first one all the same.
func TestRun_Sources_ThatBeginAlike_TheOtherIsLonger(t *testing.T) {
	head := []byte("2024-01-01T10:00:00Z 0 start\n")
	short := append(bytes.Clone(head), content("short", 10)...)
	long := append(bytes.Clone(head), content("long", 50)...)
	for name, k := range map[string]uint64{"the short one is first": 0, "the long one is first": 1} {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			b.load("short.log", short, k, 0)
			b.load("long.log", long, 1-k, 0)
			requireOnly(t, b.run(everything("short.log", "long.log")), map[Kind][]string{})

			b.fsys.Append("short.log", []byte("more\n"))
			end := int64(len(short))
			requireOnly(t, b.run(everything("short.log", "long.log")), map[Kind][]string{
				Gap: {b.key("short.log", k).String() + " " + rangeString(end, end+5)}})
		})
	}
}
