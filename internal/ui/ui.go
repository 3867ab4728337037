// Package ui shows a call on a terminal and reads its keys.
package ui
