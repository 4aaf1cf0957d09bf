// Package bench measures what a format costs on given files: stage by stage, and the whole path
// as `load` runs it.
//
// The stages are
//
//	read             the stored bytes, in order, as the file system gives them
//	decompress       stored bytes to log bytes; only where files are compressed
//	split            the lines' ends; a floor under match_convert, which finds them once more
//	chain            the SHA-256 that proves the source
//	match_convert    lines to typed columns and rejects
//	encode_compress  columns to Parquet, its SHA-256 included
//	all              files.Reader to seal.Seal: all of the above, and what lies between them
//
// Invariants:
//
//   - A stage is the code that `load` runs (split alone is a copy: it is a part of parsing) on the
//     bytes of the files, and its cost holds nothing else: what feeds a stage is in memory first.
//   - Memory is bounded whatever the size of the files: a window of at most windowMax bytes and one
//     chunk, and beside it what sealing takes, for `all` once for each core.
//   - Nothing is written: objects are sized and dropped. Spool, fsync and sink are not measured.
//   - A report depends on files, format and machine; there are no times of day in it.
//
// What is cached stays cached: the first pass warms it, medians are of a file in the page cache.
//
// The Go benchmarks beside this package run the same stages on inputs made in memory. To compare
// two states of the code, run them ten times at each on a quiet machine, and give both outputs to
// benchstat:
//
//	go test -run '^$' -bench . -count 10 ./bench > old.txt
//	go test -run '^$' -bench . -count 10 ./bench > new.txt
//	benchstat old.txt new.txt
package bench
