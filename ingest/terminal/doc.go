// Package terminal makes texts fit to be shown on a terminal.
//
// Invariants:
//
//   - No text that the package gives controls the terminal or turns the direction of what follows: the
//     package writes every such character as an escape.
//   - The package changes no other character.
package terminal
