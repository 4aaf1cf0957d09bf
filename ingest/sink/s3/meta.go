package s3

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// metaMax is how many bytes of names and values S3 keeps beside an object. Some stores count what
// headers put before each name, too, so room is left for it.
const (
	metaMax    = 2048
	metaPrefix = "x-amz-meta-"
)

// metadata makes of m what headers can carry: names in lower case, values percent-encoded but for
// plain ASCII. What would not fit is cut off the end of a value, because S3 refuses all of it
// otherwise, and it is only provenance. url.PathUnescape gives the value back.
func metadata(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	room := metaMax
	for _, k := range slices.Sorted(maps.Keys(m)) {
		name := strings.ToLower(k)
		room -= len(metaPrefix) + len(name)
		if room <= 0 {
			break
		}
		out[name] = encode(m[k], room)
		room -= len(out[name])
	}
	return out
}

// encode percent-encodes what is not plain, in at most most bytes. Blanks are encoded, because
// signing folds them.
func encode(v string, most int) string {
	var b strings.Builder
	for i := range len(v) {
		c := string(v[i : i+1])
		if v[i] <= ' ' || v[i] >= 0x7f || v[i] == '%' {
			c = fmt.Sprintf("%%%02X", v[i])
		}
		if b.Len()+len(c) > most {
			break
		}
		b.WriteString(c)
	}
	return b.String()
}
