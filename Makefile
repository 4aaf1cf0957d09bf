# Logseal. Plain `make` prints the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The program needs no C. An older Go fetches the one that go.mod names by itself.
export CGO_ENABLED ?= 0

TOOLS := $(CURDIR)/.tools
BIN := $(TOOLS)/bin
STATICCHECK_VERSION := v0.8.2
BENCHSTAT_VERSION := v0.0.0-20260908200009-22c9c6c9d4da

# S3 servers for tests; package s3test looks for these versions. versitygw before 1.8.0 let several
# writers win a conditional put. MinIO (AGPL-3.0, run as a process only) is for who asks for it.
VERSITYGW_VERSION := v1.8.0
MINIO_VERSION := v0.0.0-20260212201848-7aac2a2c5b7c

# The machines a release is for.
PLATFORMS := linux/amd64 linux/arm64 darwin/arm64

# How long each fuzz target runs; how often each benchmark runs, and what it is compared with.
FUZZTIME ?= 10s
COUNT ?= 6
REF ?= HEAD~1

.PHONY: help
help: ## print this
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## bin/ingest
	go build -o bin/ingest ./cmd/ingest

.PHONY: demo
demo: build ## load testdata/logs, verify the result, show rows of it
	@out=$$(mktemp -d); trap 'rm -rf "$$out"' EXIT; set -x; \
	bin/ingest load --format combined --out "$$out" 'testdata/logs/combined/*'; \
	bin/ingest load --format app --out "$$out" 'testdata/logs/app/*'; \
	bin/ingest verify --deep --out "$$out"; \
	go run ./testdata/showrows "$$out" 2

# ./ingest holds the import rules and the budgets; it asks `go list`, which the test cache does not see.
.PHONY: check
check: $(BIN)/staticcheck-$(STATICCHECK_VERSION) ## format, vet for every platform, staticcheck, import rules, budgets
	@unformatted=$$(gofmt -l $$(find . -name '*.go' -not -path './.tools/*')); \
	if [ -n "$$unformatted" ]; then echo "run gofmt -w on:" $$unformatted; exit 1; fi
	@for p in $(PLATFORMS); do echo "go vet $$p"; \
	  GOOS=$${p%/*} GOARCH=$${p#*/} go vet ./... ./testdata/gen ./testdata/showrows; done
	go vet -tags crash,soak ./...
	$(BIN)/staticcheck-$(STATICCHECK_VERSION) ./... ./testdata/gen ./testdata/showrows
	go test -count=1 -run 'Imports|Pure|Budgets' ./ingest

.PHONY: test
test: ## every test that is quick
	go test -timeout 30m ./...

.PHONY: race
race: ## the same under the race detector, and the program itself (needs a C compiler)
	CGO_ENABLED=1 go test -race -timeout 60m ./...
	go test -tags soak -count=1 -v -run Raced ./e2e/tail

# S3_SERVER=minio runs the same tests on another server: a second opinion.
S3_SERVER ?= versitygw
.PHONY: test-s3
test-s3: $(S3_SERVER) s3rver ## what talks to S3
	CI=true S3_SERVER=$(S3_SERVER) go test -count=1 -timeout 30m ./ingest/sink/... ./cmd/ingest
	CI=true S3_SERVER=$(S3_SERVER) go test -count=1 -timeout 30m -run 'S3|Matrix|Network|Machines' \
	  ./e2e/crash ./ingest/verify

.PHONY: fuzz
fuzz: ## every fuzz target, FUZZTIME each
	@for package in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
	    echo "$$package $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package; \
	  done; \
	done

.PHONY: crash
crash: build ## kill it everywhere, over and over
	go test -tags crash -count=1 -timeout 4h ./...

.PHONY: soak
soak: build ## huge and endless inputs; SOAK_DURATION of logs whose reader dies all the time
	go test -tags soak -count=1 -timeout 4h $$(go list ./... | grep -v '/e2e/tail$$')
	go test -tags soak -count=1 -timeout 4h -v -run 'Soak|Idle|Scale|Known|Raced' ./e2e/tail

.PHONY: golden
golden: logs ## write testdata anew; look at the difference before you commit it
	go test -count=1 -run 'Golden|Preset' $$(git grep -l 'goldentest"' -- '*_test.go' \
	  | xargs -n1 dirname | sort -u | sed 's,^,./,') -args -update

.PHONY: logs
logs: ## testdata/logs, from its generator
	go run ./testdata/gen

.PHONY: bench
bench: ## Go benchmarks, into bin/bench.txt
	@mkdir -p bin
	go test -run '^$$' -bench . -benchmem -count $(COUNT) -timeout 2h ./... | tee bin/bench.txt

# The other version is built from a tree of its own, so nothing here is touched.
.PHONY: bench-compare
bench-compare: $(BIN)/benchstat-$(BENCHSTAT_VERSION) ## benchmarks of REF and of this tree, compared
	@mkdir -p bin; ref=$(TOOLS)/ref; \
	git worktree remove --force "$$ref" 2>/dev/null || true; \
	git worktree add --quiet --detach "$$ref" $(REF); \
	trap 'git worktree remove --force "$$ref"' EXIT; \
	(cd "$$ref" && go test -run '^$$' -bench . -benchmem -count $(COUNT) -timeout 2h ./...) \
	  > bin/bench-ref.txt; \
	go test -run '^$$' -bench . -benchmem -count $(COUNT) -timeout 2h ./... > bin/bench.txt; \
	$(BIN)/benchstat-$(BENCHSTAT_VERSION) ref=bin/bench-ref.txt this=bin/bench.txt

.PHONY: tools
tools: $(BIN)/staticcheck-$(STATICCHECK_VERSION) $(BIN)/benchstat-$(BENCHSTAT_VERSION) versitygw s3rver duckdb ## pinned tools, into .tools

$(BIN)/staticcheck-$(STATICCHECK_VERSION):
	GOBIN=$(BIN) go install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
	mv $(BIN)/staticcheck $@

$(BIN)/benchstat-$(BENCHSTAT_VERSION):
	GOBIN=$(BIN) go install golang.org/x/perf/cmd/benchstat@$(BENCHSTAT_VERSION)
	mv $(BIN)/benchstat $@

.PHONY: versitygw minio
versitygw: $(BIN)/versitygw-$(VERSITYGW_VERSION)
minio: $(BIN)/minio-$(MINIO_VERSION)

$(BIN)/versitygw-$(VERSITYGW_VERSION):
	GOBIN=$(BIN) go install -ldflags='-s -w' github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW_VERSION)
	mv $(BIN)/versitygw $@

$(BIN)/minio-$(MINIO_VERSION):
	GOBIN=$(BIN) go install -ldflags='-s -w' github.com/minio/minio@$(MINIO_VERSION)
	mv $(BIN)/minio $@

# A store that ignores If-None-Match, for the test of what refuses such a one.
.PHONY: s3rver
s3rver: $(TOOLS)/s3rver/.installed

$(TOOLS)/s3rver/.installed: testdata/s3rver/package.json
	mkdir -p $(TOOLS)/s3rver
	cp $< $(TOOLS)/s3rver/
	cd $(TOOLS)/s3rver && npm install --no-audit --no-fund --no-package-lock
	touch $@

# Tests that let DuckDB read our objects are skipped without it (needs node and npm).
.PHONY: duckdb
duckdb: $(TOOLS)/duckdb/.installed

$(TOOLS)/duckdb/.installed: testdata/duckdb/package.json
	mkdir -p $(TOOLS)/duckdb
	cp $< $(TOOLS)/duckdb/
	cd $(TOOLS)/duckdb && npm install --no-audit --no-fund --no-package-lock
	touch $@

.PHONY: clean
clean: ## remove what was built, tools too
	rm -rf bin $(TOOLS)
