package parquet

import (
	"bytes"
	"hash/maphash"

	"logseal/ingest/parse"
)

// The rule by which a column chunk gets a dictionary. It looks at the values alone, in their
// order, and is part of the format.
const (
	// dictEntries and dictBytes bound a dictionary, so that one page holds it.
	dictEntries = 1 << 16
	dictBytes   = 1 << 20
	// textShare and numberShare say how many values there must be for each entry. A number packed
	// as a delta takes few bytes already, so its dictionary must gain more.
	textShare   = 2
	numberShare = 4
	// dictProbe is how many values are looked at before a column is given up for its share.
	dictProbe = 1024
)

// hashSeed differs from run to run, so that nobody can craft a log whose values collide. It has
// no part in the outcome: entries are numbered as they first occur.
var hashSeed = maphash.MakeSeed()

// dictionary numbers the distinct values of one column chunk in the order in which they first
// occur. It is used again for the next column; only one is alive at a time.
type dictionary struct {
	slots   []uint32 // entry + 1, 0 for free; a power of two of them
	hashes  []uint64 // of each entry
	rows    []int32  // where each entry first occurs
	share   int      // values there must be for each entry
	bytes   int      // what the entries take in a dictionary page
	seen    int      // values that are not null
	indices []uint32 // of the values that are not null
}

// reset empties d for a column.
func (d *dictionary) reset(share int) {
	const slots = 1 << 10
	if d.slots == nil {
		d.slots = make([]uint32, slots)
	}
	clear(d.slots[:min(cap(d.slots), slots)])
	d.slots = d.slots[:slots]
	d.hashes, d.rows, d.indices = d.hashes[:0], d.rows[:0], d.indices[:0]
	d.share, d.bytes, d.seen = share, 0, 0
}

// texts numbers the values of a text column and reports whether they are worth a dictionary.
func (d *dictionary) texts(v *parse.Vector) bool {
	d.reset(textShare)
	var last []byte
	for i, n := 0, v.Len(); i < n; i++ {
		if v.IsNull(i) {
			continue
		}
		value := v.Value(i)
		if d.seen > 0 && bytes.Equal(value, last) {
			d.repeat()
			continue
		}
		last = value
		h := maphash.Bytes(hashSeed, value)
		at, found := d.find(h, func(row int32) bool { return bytes.Equal(v.Value(int(row)), value) })
		if found {
			d.use(d.slots[at] - 1)
		} else if !d.add(at, h, i, 4+len(value)) {
			return false
		}
	}
	return d.worth()
}

// numbers does the same for a column of fixed width: bits has the values of all rows, size is
// what one takes.
func (d *dictionary) numbers(bits []uint64, null []bool, size int) bool {
	d.reset(numberShare)
	seed := maphash.Comparable(hashSeed, 0)
	var last uint64
	for i, value := range bits {
		if null != nil && null[i] {
			continue
		}
		if d.seen > 0 && value == last {
			d.repeat()
			continue
		}
		last = value
		h := mix(value ^ seed)
		at, found := d.find(h, func(row int32) bool { return bits[row] == value })
		if found {
			d.use(d.slots[at] - 1)
		} else if !d.add(at, h, i, size) {
			return false
		}
	}
	return d.worth()
}

// mix spreads a number's bits over all bits of the outcome.
func mix(x uint64) uint64 {
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	return x ^ x>>32
}

// find gives the slot of the entry with hash h for whose row equal holds, or a free one.
func (d *dictionary) find(h uint64, equal func(row int32) bool) (slot int, found bool) {
	mask := uint64(len(d.slots) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		e := d.slots[at]
		if e == 0 {
			return int(at), false
		}
		if d.hashes[e-1] == h && equal(d.rows[e-1]) {
			return int(at), true
		}
	}
}

func (d *dictionary) use(entry uint32) {
	d.indices = append(d.indices, entry)
	d.seen++
}

// repeat uses the entry that was used last.
func (d *dictionary) repeat() { d.use(d.indices[len(d.indices)-1]) }

// add makes and uses an entry at a free slot for the value of a row. It returns false when the
// column is not to have a dictionary.
func (d *dictionary) add(slot int, h uint64, row, size int) bool {
	d.bytes += size
	d.hashes = append(d.hashes, h)
	d.rows = append(d.rows, int32(row))
	n := len(d.rows)
	d.slots[slot] = uint32(n)
	d.use(uint32(n - 1))
	if n > dictEntries || d.bytes > dictBytes || d.seen >= dictProbe && d.share*n > d.seen {
		return false
	}
	if 2*n > len(d.slots) {
		d.grow()
	}
	return true
}

// grow doubles the slots.
func (d *dictionary) grow() {
	size := 2 * len(d.slots)
	if cap(d.slots) < size {
		d.slots = make([]uint32, size)
	} else {
		d.slots = d.slots[:size]
		clear(d.slots)
	}
	mask := uint64(size - 1)
	for e, h := range d.hashes {
		at := h & mask
		for d.slots[at] != 0 {
			at = (at + 1) & mask
		}
		d.slots[at] = uint32(e + 1)
	}
}

// worth reports whether there are values enough for the entries.
func (d *dictionary) worth() bool {
	return len(d.rows) > 0 && d.share*len(d.rows) <= d.seen
}
