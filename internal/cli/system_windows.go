package cli

import (
	"io/fs"
	"os"
)

// openTerminal opens the console of this process, even when its standard input
// and output are something else.
func openTerminal() (*terminal, error) {
	in, err := os.OpenFile("CONIN$", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		in.Close()
		return nil, err
	}
	return &terminal{in: in, out: out}, nil
}

// othersRead reports false: the rights of a file are not in its mode here, and
// those of a person's own folder keep others out.
func othersRead(fs.FileInfo) bool { return false }
