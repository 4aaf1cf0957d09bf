package parse

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Names that stand twice are found among many, with and without escapes, in any of many objects.
func TestNames_FindWhatStandsTwice(t *testing.T) {
	var shared names // from check to check, as from line to line
	rapid.Check(t, func(t *rapid.T) {
		objects := rapid.SliceOfN(rapid.SliceOfN(rapid.StringMatching(`[a-c]{0,3}`), 0, 60), 1, 4).
			Draw(t, "objects, each in the one before")
		shared.begin([]byte(strings.Repeat("abc", 2000)))
		var bases []int
		var numbers []uint32
		for range objects {
			n, base := shared.open()
			numbers, bases = append(numbers, n), append(bases, base)
		}
		for i := len(objects) - 1; i >= 0; i-- {
			seen := map[string]bool{}
			for k, name := range objects[i] {
				at := span{^int32(len(shared.unescaped)), 0}
				shared.unescaped = append(shared.unescaped, name...)
				at.end = int32(len(shared.unescaped))
				if found := strings.Index("abcabc", name); found >= 0 && k%2 == 0 {
					at = span{int32(found), int32(found + len(name))}
				}
				require.Equal(t, seen[name], shared.add(numbers[i], bases[i], at), name)
				seen[name] = true
			}
			shared.close(bases[i])
		}
		require.Empty(t, shared.stack)
	})
}

func TestNames_StartAnewWhenNumbersRunOut(t *testing.T) {
	var s names
	many := make([]byte, 100)
	fill := func() {
		s.begin(many)
		n, base := s.open()
		for i := range many {
			require.False(t, s.add(n, base, span{0, int32(i)}))
		}
		require.True(t, s.add(n, base, span{1, 2}))
	}
	fill()
	s.objects = 1<<31 + 5
	fill()
	require.Less(t, s.objects, uint32(10))
	fill()
}

// Objects with the same names do not meet in the table, nor do lines after each other.
func TestNames_KeepObjectsApart(t *testing.T) {
	var s names
	text := []byte(strings.Repeat("x", 100))
	for range 20 {
		s.begin(text)
		for range 200 {
			n, base := s.open()
			for i := range text {
				require.False(t, s.add(n, base, span{0, int32(i)}))
			}
			require.True(t, s.add(n, base, span{1, 50}))
			s.close(base)
		}
	}
	require.LessOrEqual(t, len(s.table), 4*200*101)
}
