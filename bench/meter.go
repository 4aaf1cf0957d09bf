package bench

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// cost is what some work took.
type cost struct {
	wall       time.Duration
	cpu        time.Duration // of the whole process
	allocs     uint64
	allocBytes uint64
}

func (c *cost) add(o cost) {
	c.wall += o.wall
	c.cpu += o.cpu
	c.allocs += o.allocs
	c.allocBytes += o.allocBytes
}

// subTime takes away the time of o, which was part of c.
func (c *cost) subTime(o cost) {
	c.wall = max(0, c.wall-o.wall)
	c.cpu = max(0, c.cpu-o.cpu)
}

// stopwatch sums up the time between start and stop.
type stopwatch struct {
	cost
	cpuAt  time.Duration
	wallAt time.Time
}

// start reads the clock last, and stop reads it first, so that reading the rest does not count.
func (s *stopwatch) start() {
	s.cpuAt = processorTime()
	s.wallAt = time.Now()
}

func (s *stopwatch) stop() {
	s.wall += time.Since(s.wallAt)
	s.cpu += processorTime() - s.cpuAt
}

// meter is a stopwatch that counts allocations too. Nothing else may run in the process
// meanwhile: processor time and allocations are those of all its goroutines.
type meter struct {
	stopwatch
	allocsAt, bytesAt uint64
}

func (m *meter) start() {
	m.allocsAt, m.bytesAt = heapAllocs()
	m.stopwatch.start()
}

func (m *meter) stop() {
	m.stopwatch.stop()
	allocs, bytes := heapAllocs()
	m.allocs += allocs - m.allocsAt
	m.allocBytes += bytes - m.bytesAt
}

func heapAllocs() (count, bytes uint64) {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.Mallocs, s.TotalAlloc
}

// processorTime is what the process has used, in the kernel too; 0 where the system does not say.
func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
