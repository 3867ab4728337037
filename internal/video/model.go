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
	ctxSmall  = ctxCoded + 2*3           // is it four transforms of 4x4: class
	ctxTint   = ctxSmall + 2             // has a colour plane levels: plane by such neighbours, 0 to 2
	ctxEnd    = ctxTint + 2*3            // class by band by the size of the last level
	ctxZero   = ctxEnd + tokens          // likewise
	ctxOne    = ctxZero + tokens         // likewise
	ctxLevel  = ctxOne + tokens          // class by bits of the level

	numContexts = ctxLevel + classes*levelBits

	bands      = 8
	tokens     = classes * bands * 3
	vectorBits = 8  // differences of vectors are below 2^9 quarter samples
	levelBits  = 12 // levels are at most 2^13
)

// A class of block has its own statistics.
const (
	classInter = iota
	classIntra
	classSmall // a quarter of a block, transformed by itself
	classTint
	classes
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
func token(class, i, last int) int {
	b := band[i]
	if class == classSmall {
		b = band4[i]
	}
	return (class*bands+int(b))*3 + last
}

// band groups the places of the scan.
var band = [64]uint8{
	0, 1, 2, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 6,
	6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
}

// band4 groups the places of the scan of a quarter.
var band4 = [16]uint8{0, 1, 3, 4, 5, 5, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7}
