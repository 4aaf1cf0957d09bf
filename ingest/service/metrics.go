package service

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/tail"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// behindMost is how many sources have series of their own: those that are furthest behind. A host
// may have thousands, each with a new name after every rotation; the sums of their streams have
// them all.
const behindMost = 50

// gauge and counter are the kinds of metrics that are read off a status.
const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

// metric is one metric and how its value is read from a T.
type metric[T any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(T) float64
}

func newMetric[T any](
	kind prometheus.ValueType, name, help string, value func(T) float64, labels ...string,
) metric[T] {
	return metric[T]{prometheus.NewDesc("logseal_"+name, help, labels, nil), kind, value}
}

func (m metric[T]) send(ch chan<- prometheus.Metric, v T, labels ...string) {
	ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(v), labels...)
}

// telemetry gives the metrics of a service that are read off it when someone asks: no number is
// kept twice. It is a prometheus.Collector.
type telemetry struct{ s *Service }

var _ prometheus.Collector = telemetry{}

// newRegistry gathers all metrics of a service.
func newRegistry(s *Service, puts *prometheus.HistogramVec) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(telemetry{s}, puts, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo(s.Build))
	return r
}

// Describe implements prometheus.Collector.
func (t telemetry) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range wholeMetrics {
		ch <- m.desc
	}
	for _, m := range streamMetrics {
		ch <- m.desc
	}
	for _, m := range reasonMetrics {
		ch <- m.desc
	}
	for _, m := range groupMetrics {
		ch <- m.desc
	}
	for _, m := range sourceMetrics {
		ch <- m.desc
	}
	for _, m := range serviceMetrics {
		ch <- m.desc
	}
	for _, d := range []*prometheus.Desc{sourcesDesc, problemsDesc, reloadsDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (t telemetry) Collect(ch chan<- prometheus.Metric) {
	status := t.s.Status()
	status.Streams = t.everyStream(status.Streams)
	for _, m := range wholeMetrics {
		m.send(ch, &status)
	}
	for _, m := range serviceMetrics {
		m.send(ch, t.s)
	}
	for name, totals := range status.Streams {
		for _, m := range streamMetrics {
			m.send(ch, totals, name)
		}
		for _, m := range reasonMetrics {
			for reason, n := range m.values(totals) {
				ch <- prometheus.MustNewConstMetric(m.desc, counter, float64(n), name, reason)
			}
		}
	}
	collectSources(ch, &status)
	problems := map[commit.Kind]int{}
	for _, p := range status.Problems {
		problems[p.Kind]++
	}
	for kind, n := range problems {
		ch <- prometheus.MustNewConstMetric(problemsDesc, gauge, float64(n), string(kind))
	}
	for result, n := range map[string]int64{"ok": t.s.reloads.taken.Load(), "refused": t.s.reloads.refused.Load()} {
		ch <- prometheus.MustNewConstMetric(reloadsDesc, counter, float64(n), result)
	}
}

// everyStream adds the streams of which there is nothing yet, so that all series are there from the
// start: an increase from nothing to one is seen by nobody.
func (t telemetry) everyStream(have map[string]tail.StreamTotals) map[string]tail.StreamTotals {
	all := map[string]tail.StreamTotals{}
	for _, s := range t.s.current.Load().Config.Streams {
		all[s.Name] = tail.StreamTotals{}
	}
	maps.Copy(all, have)
	return all
}

// collectSources sends what there is to say of sources: of each stream, and of those behind.
func collectSources(ch chan<- prometheus.Metric, status *tail.Status) {
	groups := map[string]*sourceGroup{}
	for name := range status.Streams {
		groups[name] = &sourceGroup{states: map[string]int{}}
	}
	var behind []tail.SourceStatus
	for _, s := range status.Sources {
		g := groups[s.Stream]
		if g == nil {
			g = &sourceGroup{states: map[string]int{}}
			groups[s.Stream] = g
		}
		g.add(s)
		if lagBytes(s) > 0 || s.Outbox > 0 {
			behind = append(behind, s)
		}
	}
	for name, g := range groups {
		for _, m := range groupMetrics {
			m.send(ch, g, name)
		}
		for state, n := range g.states {
			ch <- prometheus.MustNewConstMetric(sourcesDesc, gauge, float64(n), name, state)
		}
	}
	slices.SortFunc(behind, func(a, b tail.SourceStatus) int {
		return cmp.Or(cmp.Compare(b.Behind, a.Behind), cmp.Compare(lagBytes(b), lagBytes(a)),
			cmp.Compare(a.SID.String(), b.SID.String()))
	})
	sent := map[[4]string]bool{}
	for _, s := range behind[:min(len(behind), behindMost)] {
		labels := [...]string{s.Stream, s.Origin, s.SID.String(), validText(s.Path)}
		if sent[labels] { // another version of the stream, or a file by the name of one that is gone
			continue
		}
		sent[labels] = true
		for _, m := range sourceMetrics {
			m.send(ch, s, labels[:]...)
		}
	}
}

// sourceGroup sums up the sources of a stream.
type sourceGroup struct {
	lagBytes, outbox int64
	behind           time.Duration // of the one furthest behind
	states           map[string]int
}

func (g *sourceGroup) add(s tail.SourceStatus) {
	g.lagBytes += lagBytes(s)
	g.outbox += int64(s.Outbox)
	g.behind = max(g.behind, s.Behind)
	g.states[s.State]++
}

// lagBytes is how much of a source is not in the sink. Of a copy, and of a file that was read to its
// end, nothing is to come.
func lagBytes(s tail.SourceStatus) int64 {
	if s.State == "copy" || s.State == "read" {
		return max(0, s.Sealed-s.Shipped)
	}
	return max(0, max(s.Size, s.Read)-s.Shipped)
}

// buildInfo is a metric that says which program this is.
func buildInfo(b Build) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "logseal_build_info", Help: "1; its labels say which program this is.",
		ConstLabels: prometheus.Labels{
			"version": b.Version, "revision": cmp.Or(b.Revision, "unknown"), "goversion": b.Go,
		},
	}, func() float64 { return 1 })
}

// byReason gives counts by a reason's text.
func byReason[R ~string](counts map[R]int64, all []R) map[string]int64 {
	out := map[string]int64{}
	for _, r := range all {
		out[string(r)] = 0
	}
	for r, n := range maps.All(counts) {
		out[string(r)] = n
	}
	return out
}
