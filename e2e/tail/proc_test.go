//go:build soak

package tail_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// cpu is how much time a process has used, 0 where nothing tells.
func cpu(pid int) time.Duration {
	const tick = 10 * time.Millisecond // USER_HZ is 100 wherever there is /proc
	body, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(body), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick
}
