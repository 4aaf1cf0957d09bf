// Package tracer runs a program and decides about each of its calls into the kernel: the call is made, or
// fails, or the program is killed instead of it.
//
// Each thread stops at each of its calls and is let go by one thread of ours, so the calls come one after
// the other over the whole process. The program has no hook for it.
//
// A killed call was not made: the kernel does not make a call when a deadly signal came at its entry. Nor
// was one that fails.
package tracer
