//go:build soak

package pipeline

// wide asks for searches within wider bounds, which take hours.
const wide = true
