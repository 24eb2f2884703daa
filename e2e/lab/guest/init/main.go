// Init is the first process of a lab node, a User-Mode Linux guest.
//
// The kernel starts it as init=, with KUBEMON_GUEST_PLAN=FILE on the kernel
// command line naming the plan that the host wrote (see package guest). It
// makes the guest's root file system, then runs itself again as `init node`,
// which starts the services of the plan and takes commands from the host. When
// either fails, the reason is on the console and the guest powers off.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/kubemon/kubemon/e2e/lab/guest"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "node" {
		if err := node(); err != nil {
			fmt.Fprintln(os.Stderr, "lab: node:", err)
			os.Exit(1)
		}
		return
	}
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "init: this program is the first process of a lab node; `lab up` starts it there")
		os.Exit(2)
	}
	if err := guest.Init(os.Args[0]); err != nil {
		fmt.Fprintln(os.Stderr, "lab: init:", err)
	}
	if err := guest.PowerOff(); err != nil {
		fmt.Fprintln(os.Stderr, "lab: init:", err)
	}
}

// node runs for as long as the guest does.
func node() error {
	plan, err := guest.ReadPlan(os.Getenv(guest.PlanVariable))
	if err != nil {
		return err
	}
	return guest.RunNode(context.Background(), plan)
}
