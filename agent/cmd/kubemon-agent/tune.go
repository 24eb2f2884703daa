package main

import (
	"os"
	"runtime/debug"
)

// tune fits the Go runtime to a program that does one small thing now and then.
// What the environment says (GOGC) goes first.
func tune() {
	if _, set := os.LookupEnv("GOGC"); !set {
		// The smallest heap that is collected is 4 MB at 100: more than the
		// agent ever needs.
		debug.SetGCPercent(50)
	}
}
