package text

import "errors"

// What CheckName returns.
var (
	errEmpty = errors.New("a name needs at least one character")
	errLong  = errors.New("a name has at most 32 bytes")
	errChars = errors.New("a name has no control or invisible characters, no space at its ends, and at most 32 columns")
)
