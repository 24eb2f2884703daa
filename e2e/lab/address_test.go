package lab

import (
	"strings"
	"testing"
)

func TestEveryNodeHasAddressesOfItsOwn(t *testing.T) {
	seen := map[string]bool{controlPlaneAddress: true}
	for n := 1; n <= MaxNodes; n++ {
		for _, address := range []string{nodeAddress(n).String(), podNetwork(n).String(), nodeMAC(n).String()} {
			if seen[address] {
				t.Errorf("node %d: address %s is used twice", n, address)
			}
			seen[address] = true
		}
	}
	if got, want := podNetwork(2).String(), "10.88.12.0/24"; got != want {
		t.Errorf("podNetwork(2) = %s, want %s", got, want)
	}
}

func TestParseListen(t *testing.T) {
	ports, err := parseListen("127.0.0.1:18080")
	if err != nil {
		t.Fatal(err)
	}
	got := []string{ports.hub().String(), ports.agent(1).String(), ports.agent(MaxNodes).String(), ports.apiServer().String()}
	want := "127.0.0.1:18080 127.0.0.1:18081 127.0.0.1:18089 127.0.0.1:18090"
	if strings.Join(got, " ") != want {
		t.Errorf("forwarded ports = %s, want %s", got, want)
	}
}

func TestParseListenRefuses(t *testing.T) {
	for _, listen := range []string{"", "18080", "localhost:18080", "127.0.0.1:0", "127.0.0.1:65530", "127.0.0.1:port"} {
		if _, err := parseListen(listen); err == nil || !strings.Contains(err.Error(), `"`+listen+`"`) {
			t.Errorf("parseListen(%q) error = %v, want one that names it", listen, err)
		}
	}
}

func TestCheckNode(t *testing.T) {
	for n, valid := range map[int]bool{-1: false, 0: false, 1: true, MaxNodes: true, MaxNodes + 1: false} {
		if err := checkNode(n); (err == nil) != valid {
			t.Errorf("checkNode(%d) = %v, want valid %t", n, err, valid)
		}
	}
}
