package video

// model holds every adaptive probability of the range coder. It is one array,
// so that a picture can keep a copy for those that are predicted from it.
type model [numContexts]prob

// Where the probabilities of each kind of bit begin.
const (
	ctxSkip   = 0                        // by the skipped neighbours, 0 to 2
	ctxIntra  = ctxSkip + 3              // by the intra neighbours, 0 to 2
	ctxSplit  = ctxIntra + 3             // one
	ctxMove   = ctxSplit + 1             // is a vector's component not as predicted: x, y
	ctxVector = ctxMove + 2              // by how much: x, y
	ctxCoded  = ctxVector + 2*vectorBits // class by coded neighbours, 0 to 2
	ctxEnd    = ctxCoded + 2*3           // class by band by the size of the last level
	ctxZero   = ctxEnd + tokens          // likewise
	ctxOne    = ctxZero + tokens         // likewise
	ctxLevel  = ctxOne + tokens          // class by bits of the level

	numContexts = ctxLevel + 2*levelBits

	bands      = 8
	tokens     = 2 * bands * 3
	vectorBits = 8  // differences of vectors are below 2^9 quarter samples
	levelBits  = 12 // levels are at most 2^13
)

// A class of block has its own statistics.
const (
	classInter = 0
	classIntra = 1
)

// reset forgets everything that was learnt.
func (m *model) reset() {
	for i := range m {
		m[i] = prob{evenly, evenly}
	}
}

// token returns where in each group of token probabilities those of the
// coefficient at place i of the scan are, after a level of size last (0, 1, or
// 2 for more).
func token(class, i, last int) int { return (class*bands+int(band[i]))*3 + last }

// band groups the places of the scan.
var band = [64]uint8{
	0, 1, 2, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 6,
	6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
}
