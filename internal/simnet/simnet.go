// Package simnet is a network in memory with delay, jitter, loss and a rate.
// Inside a synctest bubble its time is simulated.
package simnet
