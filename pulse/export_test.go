package pulse

// Held returns how many bytes the server tries to hold of s.
func Held(s *Speaker) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.target
}
