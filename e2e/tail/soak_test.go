//go:build soak

package tail_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	soakLogs   = 50
	soakBytes  = 20e6 // a second, of all logs together
	soakRotate = 7 * time.Second
	// soakStill is for how long nothing may come while there is more to come.
	soakStill = 3 * time.Minute
)

// soakDuration is for how long logs are written.
func soakDuration(t testing.TB) time.Duration {
	text := os.Getenv("SOAK_DURATION")
	if text == "" {
		text = "10m"
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err, "SOAK_DURATION")
	return d
}

// soakStream has a column for what identifies a line.
const soakStream = `regex: '^(?P<ts>\S+) (?P<severity>[A-Z]+) ` +
	`svc-(?P<writer>\d+) seq=(?P<seq>\d+) (?P<message>.*)$'
    schema:
      - {name: ts, type: timestamp, layout: rfc3339, event_time: true}
      - {name: severity, type: string, enum: [DEBUG, INFO, WARN, ERROR]}
      - {name: writer, type: int64}
      - {name: seq, type: int64}
      - {name: message, type: string}`

// soak is a fleet of logs, the program that follows them, and a loop that owns program, server and
// network.
type soak struct {
	*cloudSite
	*rand.Rand
	*fleet
	census *census
	began  time.Time
	ending bool // a SIGTERM was sent
	cut    bool // the network is down

	starts, kills, terms, serverKills, outages int
	outageTime                                 time.Duration
	rssMax                                     int64
	asked, safe                                int // files, of --safe-to-delete

	failed chan error
}

// TestSoak_EverythingDiesAllTheTime_EachNumberOnce is the soak.
func TestSoak_EverythingDiesAllTheTime_EachNumberOnce(t *testing.T) {
	k := newSoak(t)
	var writing, watching sync.WaitGroup
	defer watching.Wait()
	defer writing.Wait()
	watch, unwatch := context.WithCancel(t.Context())
	defer unwatch()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, w := range k.writers {
		writing.Go(func() { k.report(w.run(ctx, soakBytes/soakLogs, soakRotate)) })
	}
	watching.Go(func() { k.watch(watch) })
	k.chaos(k.began.Add(soakDuration(t)))
	cancel()
	writing.Wait()
	took := time.Since(k.began)
	k.calm()
	k.drain()
	caughtUp := time.Since(k.began) - took
	k.stop()
	k.start() // to see that nothing comes again
	k.oneMore()
	k.drain()
	unwatch()
	watching.Wait()
	k.requireNoFault()
	k.stop()
	k.settleAccount(took, caughtUp)
}

func newSoak(t *testing.T) *soak {
	s := newEmptyCloud(t, func(c *settings) {
		c.format = soakStream
		c.spool = "64MiB" // so that it is full in a longer outage
		c.tail = "{poll_interval: 1s, close_wait: 20s, copy_wait: 1h}"
		c.batch = "{max_bytes: 16MiB, max_age: 5s}"
	})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	f, err := newFleet(s.path("logs"), "", soakLogs, seed)
	require.NoError(t, err)
	k := &soak{cloudSite: s, Rand: rand.New(rand.NewPCG(seed, math.MaxUint64)), fleet: f,
		census: newCensus(s.lake.dir, soakLogs), began: time.Now(), failed: make(chan error, 1000)}
	return k
}

// report keeps what a goroutine of the soak has met, for the loop.
func (k *soak) report(err error) {
	if err != nil {
		k.failed <- err
	}
}

func (k *soak) requireNoFault() {
	k.Helper()
	select {
	case err := <-k.failed:
		require.NoError(k, err)
	default:
	}
}

// watch reads the sink and removes what may go, until ctx is over.
func (k *soak) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if _, err := k.census.scan(); err != nil {
			k.report(fmt.Errorf("read the sink: %w", err))
			return
		}
		if err := k.tidy(k.may); err != nil {
			k.report(err)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// may tells whether a rotated file may go: its numbers are in the sink. Some go when the program
// says so, and then they must be.
func (k *soak) may(r *rotated) (bool, error) {
	if !r.asked {
		return k.census.missing(r.writer, r.from, r.to) == 0, nil
	}
	k.asked++
	code, _, _ := k.run("status", "-c", "ingest.yaml", "--safe-to-delete", r.path)
	if code != 0 {
		return false, nil
	}
	k.safe++
	if _, err := k.census.scan(); err != nil {
		return false, err
	}
	if n := k.census.missing(r.writer, r.from, r.to); n > 0 {
		return false, fmt.Errorf("%s is said to be safe to delete, and %d lines of it are not there",
			r.path, n)
	}
	return true, nil
}

// between is a random time, as likely to be short as long.
func (k *soak) between(least, most time.Duration) time.Duration {
	return time.Duration(float64(least) * math.Exp(k.Float64()*math.Log(float64(most)/float64(least))))
}

// chaos lets program, server and network go down and come back until a time.
func (k *soak) chaos(until time.Time) {
	now := time.Now()
	program, server := now, now.Add(k.between(20*time.Second, 90*time.Second))
	wire := now.Add(k.between(30*time.Second, 2*time.Minute))
	serverUp := true
	said := now
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for now.Before(until) {
		<-tick.C
		now = time.Now()
		k.requireNoFault()
		k.sample()
		if k.over() != nil && !k.ending {
			select {
			case <-k.over():
				require.FailNow(k, "it ended by itself", k.said())
			default:
			}
		}
		if now.After(program) {
			program = now.Add(k.turnProgram())
		}
		if now.After(server) {
			serverUp = !serverUp
			server = now.Add(k.turnServer(serverUp))
		}
		if now.After(wire) {
			wire = now.Add(k.turnWire())
		}
		if now.Sub(said) > time.Minute {
			said = now
			k.progress()
		}
	}
}

// turnProgram starts the program, or ends it, and says when to do the other.
func (k *soak) turnProgram() time.Duration {
	switch {
	case k.child == nil:
		k.forgetLog()
		k.starts++
		k.start()
		return k.between(2*time.Second, time.Minute)
	case k.ending:
		select {
		case <-k.over():
			require.Zero(k, k.child.code, "end after SIGTERM\n%s", k.said())
			k.child, k.ending = nil, false
			return 0
		default:
			return 100 * time.Millisecond
		}
	case k.IntN(4) == 0:
		k.terms++
		k.ending = true
		require.NoError(k, k.child.cmd.Process.Signal(syscall.SIGTERM))
		return 0
	}
	k.kills++
	k.kill()
	return k.between(10*time.Millisecond, 5*time.Second)
}

func (k *soak) turnServer(up bool) time.Duration {
	if up {
		k.server.Restart(k)
		return k.between(10*time.Second, 90*time.Second)
	}
	k.serverKills++
	k.server.Kill()
	return k.between(100*time.Millisecond, 10*time.Second)
}

func (k *soak) turnWire() time.Duration {
	k.cut = !k.cut
	if !k.cut {
		k.wire.Up(k)
		return k.between(20*time.Second, 2*time.Minute)
	}
	k.outages++
	k.wire.Down()
	d := k.between(time.Second, time.Minute)
	k.outageTime += d
	return d
}

// calm lets everything run.
func (k *soak) calm() {
	for k.ending {
		k.turnProgram()
		<-time.After(10 * time.Millisecond)
	}
	k.server.Restart(k)
	if k.cut {
		k.turnWire()
	}
	if k.child == nil {
		k.turnProgram()
	}
}

// drain waits until all that was written is in the sink.
func (k *soak) drain() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	last, still := int64(-1), time.Now()
	for {
		k.requireNoFault()
		k.sample()
		missing := int64(0)
		for _, w := range k.writers {
			missing += k.census.missing(w.id, 0, w.next)
		}
		if missing == 0 {
			return
		}
		if missing != last {
			last, still = missing, time.Now()
		}
		require.Less(k, time.Since(still), soakStill, "%d lines are not there\n%s\n%s\n%s", missing,
			k.faults(), k.whereabouts(), k.said())
		select {
		case <-k.over():
			require.FailNow(k, "it ended by itself", k.said())
		case <-tick.C:
		}
	}
}

// oneMore writes a last line to each log.
func (k *soak) oneMore() {
	for _, w := range k.writers {
		require.NoError(k, w.open())
		line := w.line(nil, time.Now())
		_, err := w.file.Write(line)
		require.NoError(k, errors.Join(err, w.file.Close()))
		k.lines.Add(1)
		k.bytes.Add(int64(len(line)))
	}
}

// forgetLog keeps what the program says within bounds.
func (k *soak) forgetLog() {
	const most = 32 << 20
	if st, err := os.Stat(k.path("stderr")); err == nil && st.Size() > most {
		require.NoError(k, os.Truncate(k.path("stderr"), 0))
	}
}

// sample notes how much memory the program has had, while it runs.
func (k *soak) sample() {
	if k.child == nil {
		return
	}
	k.rssMax = max(k.rssMax, memory(k.child.cmd.Process.Pid, "VmHWM"))
}
