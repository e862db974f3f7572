# mtls-probe. Needs Python 3.11 or newer with venv and pip, make, and a package index to install
# from. Each target sets up what it needs in .venv; nothing else on the machine is touched.

# The first that is new enough; else python3, for a message that says how old it is.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$each -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && echo $$each && exit; done; \
	python3 -c pass >/dev/null 2>&1 && echo python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
UV := .cache/lock/bin/uv
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	$(if $(UPGRADE),--upgrade)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-fast lab faults check new-cause causes rules dashboards chart references pictures record bench collector collector-schema exporters messages lock release clean

help:
	@echo "make demo       faulty backends on loopback, and the probe; ONCE=1 ends after one round"
	@echo "make test       all tests; those that need the Collector build it with Go, or skip"
	@echo "make test-fast  the tests that start no process, in less than a minute"
	@echo "make lab        installs real servers (apt) and runs every scenario against each of them"
	@echo "make faults     injects 300 faults while a probe runs and judges every verdict; SEED=, COUNT="
	@echo "make check      lint, formatting, types and the rules of the architecture"
	@echo "make new-cause  writes the skeleton of a cause: ID=my_cause FAMILY=network"
	@echo "make causes     writes CAUSES.md from the catalogue"
	@echo "make rules      writes the Prometheus rules of config/ from the catalogue"
	@echo "make dashboards writes the Grafana dashboards and alerting rules from grafana/source"
	@echo "make chart      records what the Helm chart renders, for tests/config"
	@echo "make references writes the reference tables of docs/ from the code"
	@echo "make pictures   makes the pictures of README.md from what the product prints and serves today"
	@echo "make record     records what the product does, for tests/behaviour; ONLY=checks"
	@echo "make bench      measures CPU, memory and time against the peers; QUICK=1, ONLY="fleet soak"
	@echo "make collector  builds the OpenTelemetry Collector of the lab tests"
	@echo "make collector-schema  reads what the Collector's components take, into the file that is shipped"
	@echo "make exporters  runs generated cases through real exporters; ONLY=, EXPORTERS="
	@echo "make messages   texts of libraries that explain does not know; ONLY=, RECORD=1 reads them anew"
	@echo "make release    builds what is published into dist/; VERSION=1.2.3 opens a version, TAG=1 tags"
	@echo "make lock       writes requirements/*.txt; UPGRADE=1 takes the newest versions"

demo: $(VENV)/.run
	$(BIN)/mtls-probe demo $(if $(filter-out 0,$(ONCE)),--once)

# What measures time runs alone, and first. Each file's tests stay together: they share servers.
PARALLEL := -n auto --dist loadfile -m "not serial"

test: $(VENV)/.test
	$(BIN)/python -m pytest -m serial
	$(BIN)/python -m pytest $(PARALLEL)

test-fast: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not serial and not slow" \
		tests/unit tests/stories tests/contract

lab: $(VENV)/.test collector
	tests/lab/install
	REQUIRE_TOOLS=1 $(BIN)/python -m pytest -m serial tests/lab
	REQUIRE_TOOLS=1 $(BIN)/python -m pytest $(PARALLEL) tests/lab

faults: $(VENV)/.test
	$(BIN)/python -m tests.faults.run $(if $(SEED),--seed $(SEED)) $(if $(COUNT),--count $(COUNT)) \
		$(if $(ONLY),--only $(ONLY)) $(if $(KINDS),--kinds $(KINDS)) $(if $(KEEP),--keep $(KEEP))

new-cause: $(VENV)/.test
	@$(BIN)/python -m tools.new_cause $(if $(ID),$(ID),"") $(if $(FAMILY),$(FAMILY),"")
	@$(BIN)/ruff check --quiet --fix --select I probe/diagnosis tests/stories tests/lab
	@$(BIN)/ruff format --quiet probe/diagnosis tests/stories tests/lab

causes: $(VENV)/.test
	$(BIN)/python -m probe.report.causes_markdown CAUSES.md

rules: $(VENV)/.test
	$(BIN)/mtls-probe rules --config config/mtls-probe.yml > config/prometheus/rules/mtls-probe.yml
	$(BIN)/mtls-probe rules --config config/mtls-probe.yml --kubernetes \
		> config/kubernetes/monitoring/prometheusrule.yaml

dashboards: $(VENV)/.test
	$(BIN)/python -m grafana.source

chart: $(VENV)/.test
	$(BIN)/python -m tests.config.helm

references: $(VENV)/.test
	$(BIN)/python -m tests.contract.reference_pages
	$(BIN)/python -m tests.contract.log_events
	$(BIN)/python -m tests.contract.configuration_reference docs/configuration.md
	$(BIN)/python -m tools.shared_files
	$(BIN)/mtls-probe schema config > config/mtls-probe.schema.json
	$(BIN)/python -m tests.lab.exporters.exporters_page
	$(BIN)/python -m tests.contract.chart_pages

pictures: $(VENV)/.test
	$(BIN)/python -m tools.pictures

record: $(VENV)/.test
	$(BIN)/python -m tests.behaviour.record $(ONLY)

check: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile
	$(BIN)/python -m pytest --quiet tests/contract

# QUICK=1, ONLY="fleet soak", BLACKBOX=path SSL_EXPORTER=path: docs/performance.md
bench: export QUICK := $(QUICK)
bench: export ONLY := $(ONLY)
bench: export BLACKBOX := $(BLACKBOX)
bench: export SSL_EXPORTER := $(SSL_EXPORTER)
bench: $(VENV)/.test
	@$(BIN)/python -m tests.bench.run

collector: $(VENV)/.test
	$(BIN)/python -m tests.lab.collector_build

collector-schema: $(VENV)/.test
	$(BIN)/python -m tools.collector_schema.generate

exporters: $(VENV)/.test
	$(BIN)/python -m tests.lab.exporters.run $(if $(ONLY),--only '$(ONLY)') \
		$(if $(EXPORTERS),--exporters $(EXPORTERS))
	$(BIN)/python -m tests.lab.exporters.measure_chains $(if $(ONLY),--only '$(ONLY)')
	$(BIN)/python -m tests.lab.exporters.measure_handshakes $(if $(ONLY),--only '$(ONLY)')
	$(BIN)/python -m tests.lab.exporters.offers
	$(BIN)/python -m tests.lab.exporters.narrow

messages: $(VENV)/.test
	$(BIN)/python -m tools.messages $(if $(ONLY),--only $(ONLY)) $(if $(RECORD),--record $(RECORD))

release: $(VENV)/.test
	@$(BIN)/python -m tools.release $(if $(VERSION),--version $(VERSION)) $(if $(TAG),--tag) \
		$(if $(URL),--url $(URL)) $(if $(IMAGE),--image $(IMAGE))

lock: $(UV)
	$(LOCK) --group test --extra otel-grpc pyproject.toml --output-file requirements/test.txt
	$(LOCK) --constraints requirements/test.txt pyproject.toml --output-file requirements/run.txt
	$(LOCK) --constraints requirements/test.txt --extra otel pyproject.toml --output-file requirements/otel.txt
	$(LOCK) --constraints requirements/test.txt requirements/build.in --output-file requirements/build.txt

clean:
	rm -rf $(VENV) .cache dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find probe tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "no Python found: install Python 3.11 or newer (Debian, Ubuntu:" \
		"apt install python3 python3-venv), or name yours: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c pass || { echo "$(PYTHON) does not run: install Python 3.11 or newer, or name" \
		"another one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { \
		echo "$(PYTHON) is $$($(PYTHON) --version 2>&1), and mtls-probe needs Python 3.11 or" \
		"newer: install one and name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) has no module venv, or none for pip: Debian and Ubuntu have them in a" \
		"package of their own: apt install python3-venv" >&2; exit 1; }
	@test -w . || { echo "$(CURDIR) cannot be written to, and $(VENV) belongs there: copy it to a" \
		"folder of yours, or install without make: pipx install $(CURDIR)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# Made again only when the locks or pyproject.toml change.
$(VENV)/.run: pyproject.toml requirements/build.txt requirements/run.txt | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/build.txt -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: pyproject.toml requirements/build.txt requirements/test.txt | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/build.txt -r requirements/test.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.run

$(UV):
	$(PYTHON) -m venv .cache/lock
	.cache/lock/bin/python -m pip --quiet --disable-pip-version-check install uv
