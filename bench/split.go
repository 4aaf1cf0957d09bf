package bench

import "bytes"

// countLines finds the end of each line as package parse does, and counts the lines.
func countLines(data []byte) (lines int64) {
	for len(data) > 0 {
		lines++
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			break
		}
		data = data[i+1:]
	}
	return lines
}
