//go:build soak

package widetest

// Wide says that searches within wider bounds are wanted, which take hours.
const Wide = true
