# The recipes that the README and the checks call. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run federation release test soak faults clusters check schema bench doc deny static dist tools-database tools-browser tools-clients tools-routers tools-prometheus tools-deploy check-deploy

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

run: tools-database ## build quickly and serve, with a private database when no store URL is set
	cargo build --locked --profile try
	./target/try/quarteto serve

federation: tools-database tools-routers ## the five subgraphs over a private database with demo data, and a router before them
	cargo build --locked --profile try
	deploy/federation/try

release: ## build the program for production: target/release/quarteto
	cargo build --locked --release

static: ## the program without a need for any library, in the folder OUT (PROFILE=release, TARGET=this machine's)
	scripts/static $(or $(OUT),$(error say where to: make static OUT=folder))

dist: ## what is released: a static program, its licences, units, and checksums, in target/dist/
	scripts/dist

test: tools-database tools-browser tools-clients tools-routers check-deploy ## all tests, over a private database
	cargo test --locked --features failpoints

soak: tools-database ## ten minutes of a shop in which something breaks all the time (QUARTETO_SOAK_SECONDS=600)
	cargo test --locked --features failpoints --test integration soak -- --ignored --nocapture

faults: ## the tests of stores and a soak of two minutes, over the server that QUARTETO_TEST_URL names
	@test -n "$(QUARTETO_TEST_URL)" || { echo "name a server: make faults QUARTETO_TEST_URL=mysql://root@HOST:PORT"; exit 1; }
	QUARTETO_TEST_URL=$(QUARTETO_TEST_URL) cargo test --locked --features failpoints --test integration -- --skip clients:: --skip browser:: --skip routers::
	QUARTETO_TEST_URL=$(QUARTETO_TEST_URL) QUARTETO_SOAK_SECONDS=120 cargo test --locked --features failpoints --test integration soak -- --ignored --nocapture

clusters: ## a writer killed under load, in the cluster that QUARTETO_TEST_URL names, by the command QUARTETO_TEST_KILL
	@test -n "$(QUARTETO_TEST_URL)" -a -n "$(QUARTETO_TEST_KILL)" || { echo "name a cluster and how its writer is killed: make clusters QUARTETO_TEST_URL=mysql://root@HOST:PORT QUARTETO_TEST_KILL='…'"; exit 1; }
	QUARTETO_TEST_URL=$(QUARTETO_TEST_URL) QUARTETO_TEST_KILL="$(QUARTETO_TEST_KILL)" cargo test --locked --features failpoints --test integration clusters -- --ignored --nocapture

check: ## formatting, lints and documentation
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

check-deploy: tools-prometheus tools-deploy ## what stands in deploy/, by the tools that it is for
	cd deploy/prometheus && promtool check rules quarteto.rules.yml
	cd deploy/prometheus && promtool check config prometheus.yml
	cd deploy/prometheus && promtool check config prometheus-login.yml
	cd deploy/prometheus && promtool test rules quarteto.test.yml
	scripts/check-deploy

deny: ## licences and advisories (needs cargo-deny)
	cargo deny check

schema: ## rewrite schema.graphql and subgraphs/
	QUARTETO_TEST_REWRITE=1 cargo test --locked --features failpoints --test integration schema

bench: tools-database ## Quarteto beside a hand-written floor and async-graphql's stock service; see docs/performance.md
	scripts/install wrk wrk
	cargo build --release --locked --workspace
	./target/release/bench

tools-database:
	scripts/install mariadbd,mysqld mariadb-server-core,mariadb-client-core

tools-browser:
	scripts/install chromium,chromium-browser,google-chrome chromium

tools-clients:
	scripts/install node nodejs
	scripts/install npm npm
	scripts/install python3 python3,python3-venv "python3 -c 'import ensurepip'"
	scripts/clients

tools-routers:
	scripts/install node nodejs
	scripts/install npm npm
	scripts/routers

tools-prometheus:
	scripts/install promtool prometheus

tools-deploy:
	scripts/install python3 python3,python3-venv "python3 -c 'import ensurepip'"
	scripts/install systemd-analyze systemd
	scripts/install openssl openssl
	scripts/install curl curl
	scripts/deploy-tools
