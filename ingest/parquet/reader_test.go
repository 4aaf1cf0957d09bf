package parquet

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/parse"
)

// smallFile is an object with two row groups, nulls, dictionaries and every type.
func smallFile(t testing.TB) []byte {
	var cols []Column
	var groups [][]Values
	for _, rows := range []int{20, 3} {
		cols = []Column{{Name: "c", Type: parse.String, Optional: true}}
		g := []Values{{Constant: []byte("constant")}}
		for _, typ := range allTypes {
			for _, optional := range []bool{false, true} {
				v := &parse.Vector{Type: typ}
				for i := range rows {
					if optional && i%3 == 0 {
						v.AppendNull()
						continue
					}
					appendNumber(v, uint64(i%4))
				}
				name := typ.String() + map[bool]string{true: "?"}[optional]
				cols = append(cols, Column{Name: name, Type: typ, Optional: optional})
				g = append(g, Values{Vector: v})
			}
		}
		groups = append(groups, g)
	}
	return encode(t, cols, groups...)
}

// readWhole reads all of a file.
func readWhole(data []byte) ([][]string, error) {
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	var out [][]string
	for i := range f.Groups() {
		vs, err := f.Group(i)
		if err != nil {
			return nil, err
		}
		for c := range vs {
			out = append(out, texts(&vs[c]))
		}
	}
	return out, nil
}

func TestOpen_CutOff_IsAnError(t *testing.T) {
	data := smallFile(t)
	_, err := readWhole(data)
	require.NoError(t, err)
	for n := range data {
		_, err := readWhole(data[:n])
		require.Error(t, err, "the first %d of %d bytes", n, len(data))
	}
}

// A flipped bit gives an error or, where it hits what is not read, nothing; never a panic. Values
// are under zstd's checksums, so they are not among what changes in silence.
func TestOpen_FlippedBit_NeverPanics(t *testing.T) {
	data := smallFile(t)
	want, err := readWhole(data)
	require.NoError(t, err)
	errs := 0
	for i := range data {
		flip := byte(1) << (i % 8)
		data[i] ^= flip
		got, err := readWhole(data)
		if err != nil {
			errs++
		} else if len(got) == len(want) {
			for c := range want {
				require.Len(t, got[c], len(want[c]))
			}
		}
		data[i] ^= flip
	}
	require.Greater(t, errs, len(data)/3)
}

func TestOpen_NoParquet(t *testing.T) {
	for _, s := range []string{"", "P", "PAR1", "PAR1PAR1", "PAR1\x00\x00\x00\x00PAR1",
		"PAR1\xff\xff\xff\xffPAR1", "PAR1\x04\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00PAR1"} {
		_, err := readWhole([]byte(s))
		require.Error(t, err, "%q", s)
	}
}

func FuzzOpen(f *testing.F) {
	data := smallFile(f)
	f.Add(data)
	f.Add(data[:len(data)-9])
	r := rand.New(rand.NewPCG(1, 1))
	for range 30 {
		b := bytes.Clone(data)
		for range 1 + r.IntN(3) {
			b[r.IntN(len(b))] = byte(r.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(_ *testing.T, b []byte) { readWhole(b) })
}

// The decoders alone, without the checksums that guard them in a file.
func FuzzDecode(f *testing.F) {
	f.Add(appendHybrid(nil, []uint32{1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 5}, 3), uint8(3), uint16(13))
	f.Add(appendDelta(nil, []int64{1, 5, -7, 1 << 60}), uint8(0), uint16(4))
	f.Add(appendDelta(nil, []int32{1, 5, -7, 1 << 30}), uint8(0), uint16(4))
	f.Add(appendText(nil, []byte("text")), uint8(1), uint16(1))
	f.Fuzz(func(t *testing.T, b []byte, width uint8, n uint16) {
		if v, err := decodeHybrid(nil, b, uint(width), int(n)); err == nil {
			require.Len(t, v, int(n))
		}
		if v, err := decodeDelta[int64](b, int(n)); err == nil {
			require.Len(t, v, int(n))
		}
		if v, err := decodeDelta[int32](b, int(n)); err == nil {
			require.Len(t, v, int(n))
		}
		if v, err := decodeTexts(b, int(n)); err == nil {
			require.Len(t, v, int(n))
		}
		if v, _, err := decodeLevels(nil, b, int(n)); err == nil {
			require.Len(t, v, int(n))
		}
		decodeBools(b, int(n))
		decodeFixed(b, int(n), 8, readInt64)
		frameSize(b)
	})
}
