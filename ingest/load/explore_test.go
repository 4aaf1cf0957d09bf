package load

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"logseal/ingest/source"
)

// search is a search through every history of a scene: each state is reached once, by playing its
// history again from the start with the real code.
type search struct {
	scene  *scene
	seen   map[source.Digest]int32
	back   [][]int32 // the states from which each state was reached
	good   []int32   // complete states
	ways   []*moment // by which each state was reached first
	broken []string
}

// moment is a point in a history: what was chosen there, and before.
type moment struct {
	before *moment
	choice int
	state  int32 // the state chosen in
}

func (m *moment) choices() []int {
	var all []int
	for ; m != nil; m = m.before {
		all = append(all, m.choice)
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// explore searches a scene and fails the test where a state breaks an invariant, or where no
// history leads to a complete end any more.
func explore(t *testing.T, s *scene) {
	t.Parallel()
	x := &search{scene: s, seen: map[source.Digest]int32{}}
	open := []*moment{nil}
	for len(open) > 0 && len(x.broken) == 0 {
		m := open[len(open)-1]
		open = open[:len(open)-1]
		synctest.Test(t, func(*testing.T) { open = append(open, x.follow(m)...) })
	}
	require.Empty(t, x.broken)
	stuck := x.stuck()
	t.Logf("%d states, %d complete", len(x.seen), len(x.good))
	require.NotEmpty(t, x.good, "no history completes")
	require.Empty(t, open, "the search was cut short")
	if len(stuck) > 0 {
		var story string
		last := x.ways[stuck[len(stuck)-1]]
		synctest.Test(t, func(*testing.T) { story = x.story(last) })
		require.Fail(t, "states that cannot complete any more", "%d of them; the last is after:\n%s",
			len(stuck), story)
	}
}

// follow plays the history up to m and goes on from there by first choices, until it comes to a
// state seen before. It returns the other choices on the way.
func (x *search) follow(m *moment) []*moment {
	w := x.scene.world()
	defer w.close()
	for _, c := range m.choices() {
		w.actions()[c].do(w)
	}
	var open []*moment
	for {
		id, isNew := x.visit(w.state(), m)
		if m != nil {
			x.back[id] = append(x.back[id], m.state)
		}
		if !isNew {
			return open
		}
		if err := x.inspect(w, id); err != nil {
			w.close()
			x.broken = append(x.broken, fmt.Sprintf("%v, after:\n%s", err, x.story(m)))
			return open
		}
		next := w.actions()
		if len(next) == 0 {
			return open
		}
		for c := 1; c < len(next); c++ {
			open = append(open, &moment{before: m, choice: c, state: id})
		}
		m = &moment{before: m, choice: 0, state: id}
		next[0].do(w)
	}
}

func (x *search) visit(s source.Digest, way *moment) (int32, bool) {
	if id, ok := x.seen[s]; ok {
		return id, false
	}
	id := int32(len(x.back))
	x.seen[s] = id
	x.back = append(x.back, nil)
	x.ways = append(x.ways, way)
	return id, true
}

func (x *search) inspect(w *world, id int32) error {
	if err := w.check(); err != nil {
		return err
	}
	complete, err := w.complete()
	if complete {
		x.good = append(x.good, id)
	}
	return err
}

// stuck lists the states from which no complete state can be reached.
func (x *search) stuck() []int32 {
	can := make([]bool, len(x.back))
	todo := append([]int32(nil), x.good...)
	for _, id := range todo {
		can[id] = true
	}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, from := range x.back[id] {
			if !can[from] {
				can[from] = true
				todo = append(todo, from)
			}
		}
	}
	var stuck []int32
	for id, ok := range can {
		if !ok {
			stuck = append(stuck, int32(id))
		}
	}
	return stuck
}

// story tells a history in words.
func (x *search) story(m *moment) string {
	w := x.scene.world()
	defer w.close()
	var b strings.Builder
	for _, c := range m.choices() {
		a := w.actions()[c]
		fmt.Fprintf(&b, "  %s\n", a.name)
		a.do(w)
	}
	for _, wr := range w.writers {
		if wr.process != nil && !wr.up() {
			fmt.Fprintf(&b, "  %s ended: %v %+v\n", wr.name, wr.process.err, wr.process.report)
		}
	}
	return b.String()
}
