// Package call is one member's side of a session: the engine. It runs without
// a screen and knows neither terminals nor drivers.
package call
