package verify

import (
	"cmp"
	"fmt"
	"slices"
)

// Kind is what a finding is. The words are those of the report.
type Kind string

const (
	// Missing is an object or an epoch that a manifest names and that is not there; or a file, given
	// as a source, that the sink does not hold.
	Missing Kind = "missing"
	// Gap is a range before a batch that no manifest covers.
	Gap Kind = "gaps"
	// Overlap is a range that two manifests cover, or two sources of one origin hold, or an object
	// that two manifests name.
	Overlap Kind = "overlaps"
	// Differing is something whose content is not what its key, its manifest or its source says.
	Differing Kind = "differing"
	// Superseded is an object that no manifest names and none can ever name: a leftover.
	Superseded Kind = "superseded"
	// Unfinished is an object that no manifest names yet: someone may still finish its batch.
	Unfinished Kind = "unfinished"
	// Pending is an object whose batch is in the spool: no fault.
	Pending Kind = "pending"
	// Lost is a range that was declared lost.
	Lost Kind = "lost"
	// Expired is an object that was deleted because of its age, as the config wants.
	Expired Kind = "expired"
	// Twin is a pair of sources of two origins that hold the same bytes.
	Twin Kind = "twins"
)

// Fails reports whether a finding of the kind makes the report not ok.
func (k Kind) Fails() bool {
	switch k {
	case Missing, Gap, Overlap, Differing, Superseded:
		return true
	}
	return false
}

// Finding is one thing that was found.
type Finding struct {
	Kind Kind
	What string // a key, or a source's key and a range, or a path, or two sources' keys
	Text string // one sentence: what is wrong, where, what to do
}

// Report is the outcome. Its JSON is the format of `ingest verify --json`.
type Report struct {
	OK         bool     `json:"ok"` // nothing of Missing to Superseded
	Sources    int64    `json:"sources"`
	Batches    int64    `json:"batches"`
	Objects    int64    `json:"objects"`
	Rows       int64    `json:"rows"`
	Rejects    int64    `json:"rejects"`
	Missing    []string `json:"missing"`
	Gaps       []string `json:"gaps"`
	Overlaps   []string `json:"overlaps"`
	Differing  []string `json:"differing"`
	Superseded []string `json:"superseded"`
	Unfinished []string `json:"unfinished"`
	Pending    []string `json:"pending"`
	Lost       []string `json:"lost"`
	Expired    []string `json:"expired"`
	Twins      []string `json:"twins"`

	// UnfinishedBytes is how large the objects of Unfinished are together. Nobody knows their rows.
	UnfinishedBytes int64 `json:"-"`
	// Findings are all of the lists with an explanation each, sorted by kind and what.
	Findings []Finding `json:"-"`
	// Cleaned are the superseded objects that were deleted. They are in no list.
	Cleaned []string `json:"-"`
}

// NewReport is the report before anything was looked at. Its lists are empty and not nil.
func NewReport() *Report {
	r := &Report{}
	for _, l := range r.lists() {
		*l.list = []string{}
	}
	return r
}

func (r *Report) add(k Kind, what, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{Kind: k, What: what, Text: fmt.Sprintf(format, args...)})
}

// Settled reports whether only faults are open: no object waits for a manifest that nobody is
// known to put, and no two origins hold the same.
func (r *Report) Settled() bool { return len(r.Unfinished) == 0 && len(r.Twins) == 0 }

// lists gives the report's lists in the order of the JSON.
func (r *Report) lists() []struct {
	kind Kind
	list *[]string
} {
	return []struct {
		kind Kind
		list *[]string
	}{
		{Missing, &r.Missing}, {Gap, &r.Gaps}, {Overlap, &r.Overlaps}, {Differing, &r.Differing},
		{Superseded, &r.Superseded}, {Unfinished, &r.Unfinished}, {Pending, &r.Pending},
		{Lost, &r.Lost}, {Expired, &r.Expired}, {Twin, &r.Twins},
	}
}

// finish sorts the findings and fills the lists, each entry once and none nil.
func (r *Report) finish() {
	order := map[Kind]int{}
	for i, l := range r.lists() {
		order[l.kind] = i
		*l.list = []string{}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(order[a.Kind], order[b.Kind]), cmp.Compare(a.What, b.What),
			cmp.Compare(a.Text, b.Text))
	})
	r.Findings = slices.Compact(r.Findings)
	r.OK = true
	for _, f := range r.Findings {
		list := r.lists()[order[f.Kind]].list
		if n := len(*list); n == 0 || (*list)[n-1] != f.What {
			*list = append(*list, f.What)
		}
		r.OK = r.OK && !f.Kind.Fails()
	}
	slices.Sort(r.Cleaned)
}
