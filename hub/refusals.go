package hub

import "github.com/sanix-darker/s2c/internal/wire"

// codes is how many values of wire.ErrorCode there are, with the 0 that no hub
// sends.
const codes = int(wire.CodeTooMany) + 1

// crowdedCode counts connections that were closed without a word.
const crowdedCode = 0

// refusalNames are the names of codes in Stats.Refused.
var refusalNames = [codes]string{
	crowdedCode:          "crowded",
	wire.CodeProtocol:    "protocol",
	wire.CodeVersion:     "version",
	wire.CodeHubFull:     "hub_full",
	wire.CodeSessionFull: "session_full",
	wire.CodeClosing:     "closing",
	wire.CodeSlow:        "slow",
	wire.CodeDenied:      "denied",
	wire.CodeExpired:     "expired",
	wire.CodeTooMany:     "too_many",
}

// countRefusalLocked counts the connection of m, which has ended, if m never
// became a member and was told why. Hub.mu must be held.
func (h *Hub) countRefusalLocked(m *member) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.session == nil && m.last != nil {
		h.refused[m.last.Code]++
	}
}
