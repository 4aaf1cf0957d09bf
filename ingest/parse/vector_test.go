package parse

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// appendNumber appends to v the value of its type that n stands for.
func appendNumber(v *Vector, n int) {
	switch v.Type {
	case String:
		v.AppendBytes(fmt.Append(nil, n))
	case IP:
		v.AppendString(fmt.Sprint(n))
	case Int32, Date:
		v.AppendInt32(int32(n))
	case Float64:
		v.AppendFloat64(float64(n))
	case Bool:
		v.AppendBool(n%2 == 1)
	default:
		v.AppendInt64(int64(n))
	}
}

// rowText prints row i.
func rowText(v *Vector, i int) string {
	switch {
	case v.IsNull(i):
		return "null"
	case v.Type == String || v.Type == IP:
		return string(v.Value(i))
	case v.Type == Int32 || v.Type == Date:
		return fmt.Sprint(v.Int32s[i])
	case v.Type == Float64:
		return fmt.Sprint(v.Float64s[i])
	case v.Type == Bool:
		return fmt.Sprint(v.Bools[i])
	}
	return fmt.Sprint(v.Int64s[i])
}

func vectorText(v *Vector) []string {
	all := []string{}
	for i := range v.Len() {
		all = append(all, rowText(v, i))
	}
	return all
}

// drawVector makes a vector with some nulls.
func drawVector(t *rapid.T, typ Type) *Vector {
	v := &Vector{Type: typ}
	for _, n := range rapid.SliceOfN(rapid.IntRange(-3, 120), 0, 12).Draw(t, "values") {
		if n < 0 {
			v.AppendNull()
		} else {
			appendNumber(v, n)
		}
	}
	return v
}

func TestVector_AppendFrom_IsAppendingOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := Type(rapid.IntRange(0, int(Duration)).Draw(t, "type"))
		dst := drawVector(t, typ)
		want := vectorText(dst)
		for range rapid.IntRange(1, 4).Draw(t, "times") {
			src := drawVector(t, typ)
			i := rapid.IntRange(0, src.Len()).Draw(t, "i")
			j := rapid.IntRange(i, src.Len()).Draw(t, "j")
			want = append(want, vectorText(src)[i:j]...)
			dst.AppendFrom(src, i, j)
			requireVector(t, want, dst)
		}
		n := rapid.IntRange(0, dst.Len()).Draw(t, "n")
		dst.truncate(n)
		dst.dropNull()
		requireVector(t, want[:n], dst)
		appendNumber(dst, 1)
		require.Equal(t, n+1, dst.Len())
		require.NotEqual(t, "null", rowText(dst, n))
		dst.Reset()
		require.Zero(t, dst.Len())
		requireVector(t, []string{}, dst)
	})
}

// requireVector also holds that Null is nil exactly when no row is null.
func requireVector(t require.TestingT, want []string, v *Vector) {
	require.Equal(t, want, vectorText(v))
	has := false
	for _, s := range want {
		has = has || s == "null"
	}
	require.Equal(t, has, v.Null != nil)
	if has {
		require.Len(t, v.Null, v.Len())
	}
}

func TestNewVectors_HaveTheColumnsTypes(t *testing.T) {
	vs := NewVectors([]Column{{Type: IP}, {Type: Bool}})
	require.Equal(t, []Vector{{Type: IP}, {Type: Bool}}, vs)
}
