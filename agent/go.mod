module github.com/kubemon/kubemon/agent

go 1.26.0

require github.com/kubemon/kubemon/shared v0.0.0

replace github.com/kubemon/kubemon/shared => ../shared
