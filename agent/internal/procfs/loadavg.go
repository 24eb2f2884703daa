package procfs

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
)

// ParseLoadavg parses the averages over 1, 5 and 15 minutes of /proc/loadavg:
//
//	1.95 2.18 1.36 4/99 18658
func ParseLoadavg(data []byte) ([3]float64, error) {
	var load [3]float64
	i := 0
	for field := range bytes.FieldsSeq(data) {
		if i == len(load) {
			break
		}
		average, err := strconv.ParseFloat(string(field), 64)
		if err != nil || !(average >= 0) || math.IsInf(average, 0) {
			return [3]float64{}, fmt.Errorf("average %q, want a number of at least 0", field)
		}
		load[i] = average
		i++
	}
	if i < len(load) {
		return [3]float64{}, fmt.Errorf("%d averages, want 3", i)
	}
	return load, nil
}
