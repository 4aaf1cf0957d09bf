package s3

import "errors"

// Code is the code of the answer of a store that err comes from, like AccessDenied; empty when err
// comes from none, or from one that had no code.
func Code(err error) string {
	var a *answer
	if errors.As(err, &a) {
		return a.code
	}
	return ""
}
