module github.com/kubemon/kubemon/agent

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/kubemon/kubemon/shared v0.0.0
	golang.org/x/sys v0.47.0
)

require (
	github.com/go-jose/go-jose/v4 v4.1.8 // indirect
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/tinylib/msgp v1.6.5 // indirect
)

replace github.com/kubemon/kubemon/shared => ../shared
