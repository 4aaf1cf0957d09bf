//go:build !soak

package widetest

// Wide says that searches within wider bounds are wanted, which take hours: `make soak`.
const Wide = false
