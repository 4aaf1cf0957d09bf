// Package config reads the config file and gives it as a checked value.
//
// Invariants:
//
//   - Read gives a Config without a mistake or an error that lists all mistakes, each with its line and
//     column. It opens no log, no sink and no state.
//   - A key that the package does not know is a mistake. The message names the nearest known key.
//   - ${NAME} and ${file:PATH} are expanded in every value but a pattern of lines. The package never
//     looks into the expanded text for another ${...}.
//   - A relative path in the file starts from the folder of the file, wherever the program is started.
//
// The package is the only one that knows YAML.
package config
