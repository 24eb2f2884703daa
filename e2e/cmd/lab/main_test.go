package main

import (
	"errors"
	"flag"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	environment := func(name string) string { return map[string]string{"KUBECONFIG": "/env/config"}[name] }
	c, err := parse([]string{"up", "--name", "x", "--nodes", "3", "--set", "a=1", "--set", "b=2"}, environment, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if c.command != "up" || c.name != "x" || c.nodes != 3 || c.kubeconfig != "/env/config" {
		t.Errorf("parse() = %+v", c)
	}
	if want := []string{"--set", "a=1", "--set", "b=2"}; !slices.Equal(c.set, want) {
		t.Errorf("set = %q, want %q", c.set, want)
	}
	for _, args := range [][]string{{"token"}, {"token", "kubemon-agent"}} {
		if c, err = parse(args, environment, t.Output()); err != nil || !slices.Equal(c.rest, args[1:]) {
			t.Errorf("parse(%q) = %+v, %v", args, c, err)
		}
	}
	c, err = parse([]string{"exec", "--name", "x", "kubectl", "get", "pods", "-A"}, environment, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"kubectl", "get", "pods", "-A"}; !slices.Equal(c.rest, want) {
		t.Errorf("command to run = %q, want %q", c.rest, want)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"nothing":         {nil, "expected one of up, node, status, exec, token, down"},
		"unknown command": {[]string{"fly"}, `command "fly"`},
		"unknown flag":    {[]string{"up", "--fast"}, "-fast"},
		"argument":        {[]string{"up", "now"}, "now"},
		"audience":        {[]string{"token", "somebody"}, "kubemon-hub, kubemon-agent"},
		"nothing to run":  {[]string{"exec"}, "command exec"},
		"not a number":    {[]string{"up", "--nodes", "two"}, "two"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := parse(test.args, func(string) string { return "" }, t.Output())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("parse(%q) error = %v, want %q in it", test.args, err, test.want)
			}
		})
	}
	if _, err := parse([]string{"-h"}, func(string) string { return "" }, t.Output()); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("parse(-h) error = %v, want flag.ErrHelp", err)
	}
}
