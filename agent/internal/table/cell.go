package table

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	unknown   = "-"
	unlimited = "none"
)

// seconds shows microseconds as seconds.
func seconds(micros *uint64) string {
	if micros == nil {
		return unknown
	}
	return strconv.FormatFloat(float64(*micros)/1e6, 'f', 2, 64)
}

// size shows bytes with the binary suffixes that Kubernetes uses.
func size(bytes *uint64) string {
	if bytes == nil {
		return unknown
	}
	if *bytes < 1024 {
		return number(bytes)
	}
	value, suffix := float64(*bytes), 0
	for value >= 1023.95 && suffix < 6 { // what would be shown as 1024.0
		value, suffix = value/1024, suffix+1
	}
	return fmt.Sprintf("%.1f%ci", value, " KMGTPE"[suffix])
}

// limit is size, where nil is a limit that is not set.
func limit(bytes *uint64) string {
	if bytes == nil {
		return unlimited
	}
	return size(bytes)
}

func millicores(limit *float64) string {
	if limit == nil {
		return unlimited
	}
	return strconv.FormatFloat(*limit, 'f', -1, 64) + "m"
}

func number(n *uint64) string {
	if n == nil {
		return unknown
	}
	return strconv.FormatUint(*n, 10)
}

// count shows a number that is never 0 where it is known.
func count(n int) string {
	if n == 0 {
		return unknown
	}
	return strconv.Itoa(n)
}

func load(averages []float64) string {
	if averages == nil {
		return unknown
	}
	texts := make([]string, len(averages))
	for i, average := range averages {
		texts[i] = strconv.FormatFloat(average, 'f', 2, 64)
	}
	return strings.Join(texts, " ")
}
