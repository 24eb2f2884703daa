# kubemon: what a developer types. `make help` lists it.

# LAB is the name of the cluster that up, node and down work on; two names are
# two clusters beside each other.
LAB ?= kubemon
GO ?= go
SHELL := /bin/bash

# One way to build everything, the images and Kubernetes included, so that the
# big packages are compiled once. Only the race detector needs cgo.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath

# Without Kubernetes: where `make run` serves.
AGENT_LISTEN ?= 127.0.0.1:10290
HUB_LISTEN ?= 127.0.0.1:8080

# How many inputs each fuzz target gets: a number of inputs and not a time, so
# that a slow machine tries as much as a fast one, and takes longer.
FUZZTIME ?= 20000x

MODULES := ./shared/... ./agent/... ./hub/... ./e2e/...
# The packages of e2e whose tests need neither a cluster nor a kernel of their own.
OUTSIDE := $(filter-out %/e2e/cluster %/e2e/kernel,$(shell $(GO) list ./e2e/... 2>/dev/null))

# The browser in which the page is looked at: Debian's.
CHROMIUM ?= /usr/bin/chromium

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up node down
up: bin/lab page ## a two-node Kubernetes on this machine with kubemon on it
	bin/lab up --name $(LAB)

node: bin/lab ## add a node to it
	bin/lab node --name $(LAB)

down: bin/lab ## remove all of it
	bin/lab down --name $(LAB)

.PHONY: run
run: bin/kubemon-agent bin/kubemon-hub ## agent and hub on this machine, without Kubernetes
	@trap 'stopped=yes' INT TERM; \
	bin/kubemon-agent --listen $(AGENT_LISTEN) & \
	bin/kubemon-hub --listen $(HUB_LISTEN) --agents http://$(AGENT_LISTEN) & \
	echo "kubemon: page and REST on http://$(HUB_LISTEN), the agent on http://$(AGENT_LISTEN)/snapshot; Ctrl-C ends both"; \
	wait -n; status=$$?; kill $$(jobs -p) 2>/dev/null; wait; [ -n "$$stopped" ] || exit $$status

.PHONY: test packages check vuln unit fuzz kernel cluster
test: packages check vuln unit page-unit browser fuzz kernel cluster ## everything: format, vet, known vulnerabilities, unit tests, fuzzing, real kernels, then a real cluster

packages: bin/lab ## install the Debian packages that the tests and the lab need
	bin/lab packages

check: ## format, vet, modernizers, each module on its own
	@unformatted=$$(gofmt -l shared agent hub e2e); test -z "$$unformatted" || { echo "gofmt: $$unformatted"; exit 1; }
	$(GO) vet $(MODULES)
	for m in shared agent hub e2e; do (cd $$m && GOWORK=off $(GO) build ./...) || exit 1; done

vuln: ## known vulnerabilities that the code calls; says so where their database is out of reach
	$(GO) run ./e2e/cmd/vuln

unit: page ## the tests that need no cluster and no kernel of their own
	CGO_ENABLED=1 $(GO) test -race -shuffle=on ./shared/... ./agent/... ./hub/...
	$(GO) test -count=1 -shuffle=on $(OUTSIDE) # they read files that Go's test cache does not watch

# Of the hub, the packages without Kubernetes' client: fuzzing builds a package
# with all that it imports anew.
FUZZED := ./shared/... ./agent/... ./hub/internal/delta ./hub/internal/rest ./hub/internal/scrape ./hub/internal/window

fuzz: ## each fuzz target with FUZZTIME inputs
	@targets=$$($(GO) test -list '^Fuzz' $(FUZZED)) && grep -q '^Fuzz' <<<"$$targets" || { echo "$$targets"; exit 1; }; \
	awk '/^Fuzz/ {names = names " " $$1} /^ok/ {n = split(names, all); for (i = 1; i <= n; i++) print $$2, all[i]; names = ""}' <<<"$$targets" | \
	while read -r package target; do \
		$(GO) test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=100x -parallel=2 "$$package" </dev/null || exit 1; \
	done

kernel: ## the agent's tests on real kernels: a guest's and this machine's
	$(GO) test -count=1 -timeout=15m -v ./e2e/kernel

cluster: page e2e/browser/node_modules/.package-lock.json $(CHROMIUM) ## the tests on a real cluster, made for them and removed after
	$(GO) test -count=1 -timeout=60m -v ./e2e/cluster

.PHONY: generate images bench fleet
generate: ## write generated code anew
	$(GO) generate ./shared/...

images: page ## the images as OCI archives in dist/, each with its SBOMs, without Docker
	$(GO) run ./e2e/cmd/images --output dist

bench: ## the benchmarks, with allocations
	$(GO) test -run='^$$' -bench=. -benchmem ./shared/... ./agent/... ./hub/...

# What `make fleet` runs: nodes, for how long, and how far back the agents have
# snapshots of their own, which the hub then fills its window with.
NODES ?= 1000
FOR ?= 10m
HISTORY ?= 1h

fleet: bin/kubemon-hub ## what a hub costs with NODES simulated nodes, over TLS
	@mkdir -p dist
	$(GO) run ./e2e/cmd/fleet --hub bin/kubemon-hub --nodes $(NODES) --for $(FOR) --history $(HISTORY)

# The page is npm's to build; what it needs is in hub/dashboard/package-lock.json.
# with-node gets a Node.js where the machine has none that is new enough.
NODE := $(CURDIR)/hub/dashboard/scripts/with-node
PAGE := hub/internal/dashboard/dist/index.html
PAGE_SOURCES := $(shell find hub/dashboard -name node_modules -prune -o -type f ! -name openapi.d.ts -print) \
	hub/internal/rest/openapi.yaml hub/internal/rest/schemas.yaml

$(CHROMIUM):
	apt-get update && apt-get install -y --no-install-recommends chromium

.PHONY: page page-unit browser screenshots demo
page: $(PAGE) ## the hub's page, into the folder that the hub embeds

$(PAGE): hub/dashboard/node_modules/.package-lock.json $(PAGE_SOURCES)
	cd hub/dashboard && $(NODE) npm run --silent build

%/node_modules/.package-lock.json: %/package-lock.json
	cd $* && $(NODE) npm ci --no-audit --no-fund
	@touch $@

page-unit: page ## the tests of what the page works out
	cd hub/dashboard && $(NODE) npm test --silent

browser: bin/kubemon-hub bin/demo bin/fleet e2e/browser/node_modules/.package-lock.json $(CHROMIUM) ## the page in a real browser: each page and state, live, with 10,000 pods
	@mkdir -p dist
	cd e2e/browser && $(NODE) npm test --silent

screenshots: bin/kubemon-hub bin/demo e2e/browser/node_modules/.package-lock.json ## the pictures of docs/images anew
	@command -v chromium >/dev/null && command -v pngquant >/dev/null && fc-list | grep -q Inter || \
		{ apt-get update && apt-get install -y --no-install-recommends chromium pngquant fonts-inter; }
	@mkdir -p dist docs/images
	cd e2e/browser && $(NODE) npm run --silent screenshots

demo: bin/kubemon-hub bin/demo ## a hub on a made-up cluster, to look at its page
	@mkdir -p dist
	bin/demo --listen $(HUB_LISTEN)

# Go builds only what changed, so these are always asked.
.PHONY: bin/lab bin/kubemon-agent bin/kubemon-hub bin/demo bin/fleet
bin/lab:
	$(GO) build -o bin/ ./e2e/cmd/lab
bin/kubemon-agent:
	$(GO) build -o bin/ ./agent/cmd/kubemon-agent
bin/demo:
	$(GO) build -o bin/ ./e2e/cmd/demo
bin/fleet:
	$(GO) build -o bin/ ./e2e/cmd/fleet
bin/kubemon-hub: page
	$(GO) build -o bin/ ./hub/cmd/kubemon-hub
