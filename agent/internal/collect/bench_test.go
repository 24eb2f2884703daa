package collect_test

import (
	"fmt"
	"testing"
)

// BenchmarkCollect reads made-up nodes, after their first snapshot. The files
// are a disk's and not a kernel's, so the time tells of the agent's own part
// and of the system calls' only; allocations and bytes are true.
func BenchmarkCollect(b *testing.B) {
	for _, pods := range []int{110, 220} {
		b.Run(fmt.Sprintf("pods=%d", pods), func(b *testing.B) {
			node := fullNode{pods: pods, hostProcesses: 100}
			folder := b.TempDir()
			if err := node.write(folder); err != nil {
				b.Fatal(err)
			}
			collector := node.open(b, folder)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := collector.Collect(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
