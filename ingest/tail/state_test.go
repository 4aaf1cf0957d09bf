package tail

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// No test changes the state of a file in another way than transitions has it.
func init() {
	became = func(from, to state) {
		if from != to && !slices.Contains(transitions[from], to) {
			panic(fmt.Sprintf("a file that is %q becomes %q", from, to))
		}
	}
}

// From each state a file can come to be read, and a file whose source is read can come to be any other.
func TestTransitions(t *testing.T) {
	reachable := func(from state) map[state]bool {
		seen := map[state]bool{}
		for queue := []state{from}; len(queue) > 0; queue = queue[1:] {
			for _, to := range transitions[queue[0]] {
				if !seen[to] {
					seen[to] = true
					queue = append(queue, to)
				}
			}
		}
		return seen
	}
	require.Len(t, transitions, 7)
	page, err := os.ReadFile("../../docs/architecture.md")
	require.NoError(t, err)
	for x := range transitions {
		require.Contains(t, string(page), "`"+string(x)+"`", "the page names each state")
	}
	for from := range transitions {
		require.ElementsMatch(t, slices.Collect(maps.Keys(transitions)), slices.Collect(maps.Keys(reachable(from))))
		require.NotContains(t, transitions[from], from)
	}
}
