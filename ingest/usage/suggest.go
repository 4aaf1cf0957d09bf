package usage

import (
	"fmt"
	"iter"
	"slices"
)

// DidYouMean ends a sentence about an unknown word: it names the known word that the user most likely meant,
// or all known words if none is near.
func DidYouMean(word string, known iter.Seq[string]) string {
	words := slices.Sorted(known)
	best, least := "", len(word)
	for _, w := range words {
		if n := distance(word, w); n < least {
			best, least = w, n
		}
	}
	if best != "" && least <= max(2, len(word)/3) {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return fmt.Sprintf("; want one of %q", words)
}

// distance counts the letters to insert, drop, replace or swap with their neighbour that turn a
// into b.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			n := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				n = min(n, rows[i-2][j-2]+1)
			}
			rows[i][j] = n
		}
	}
	return rows[len(a)][len(b)]
}
