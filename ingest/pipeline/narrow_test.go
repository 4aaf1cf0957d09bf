//go:build !soak

package pipeline

// wide asks for searches within wider bounds, which take hours: `make soak`.
const wide = false
