# `make demo` and `make test` set up a fresh machine completely; `make help` lists all targets.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Let tests and commands find tools that were unpacked beside Python.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help install demo stop status services test matrix chaos lint format coverage chromium java load promtool clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(INSTALLED) ## create .venv and install all packages

$(INSTALLED): requirements.txt shop/requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name it with make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
		|| { echo "python3-venv is needed: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

demo: $(INSTALLED) ## run the demo shop (PORT=8000, CATALOG=products.csv for your own products)
	@$(BIN)/python -m shop.demo up --port $(PORT) $(if $(CATALOG),--catalog $(CATALOG))

stop: ## end the processes of `make demo`
	@if test -x $(BIN)/python; then $(BIN)/python -m shop.demo stop; fi

status: $(INSTALLED) ## show which processes of the demo run
	@$(BIN)/python -m shop.demo status

services: $(INSTALLED) ## start only PostgreSQL and Valkey, for manage.py
	@$(BIN)/python -m shop.demo services

test: $(INSTALLED) chromium java load promtool lint ## install all tools and run every check and test
	$(BIN)/python -m tests.parallel $(ARGS)

matrix: ## run the tests with other versions of Python and Django (PAIRS="3.13/6.1")
	$(PYTHON) -m tests.matrix $(PAIRS) -- $(ARGS)

chaos: $(INSTALLED) ## run minutes of kills during saves, also with delay_on_commit to compare
	SIMILARITY_CHAOS=long $(BIN)/python -m pytest tests/chaos -m chaos -s $(ARGS)
	$(BIN)/python benchmarks/chaos.py

lint: $(INSTALLED) ## run ruff, its formatter and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy

format: $(INSTALLED) ## let ruff format and correct the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

coverage: $(INSTALLED) ## run the tests with branch coverage
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered $(ARGS)

# Without Chromium the browser tests are skipped with a message.
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
		|| command -v google-chrome >/dev/null \
		|| { command -v apt-get >/dev/null && $(SUDO) apt-get update -qq \
			&& $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
				--no-install-recommends chromium fonts-liberation >/dev/null; } \
		|| echo "No Chromium here, and apt-get cannot install it: browser tests will be skipped."

# Without Java the tests of the Spark engine are skipped in the same way.
java:
	@{ command -v java >/dev/null && test -f /usr/share/java/postgresql.jar; } \
		|| { command -v apt-get >/dev/null && $(SUDO) apt-get update -qq \
			&& $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
				--no-install-recommends openjdk-17-jre-headless libpostgresql-jdbc-java \
				>/dev/null; } \
		|| echo "No Java 17 here, and apt-get cannot install it: Spark tests will be skipped."

# Without wrk the tests of benchmarks/http_load.py are skipped.
load:
	@command -v wrk >/dev/null \
		|| { command -v apt-get >/dev/null && $(SUDO) apt-get update -qq \
			&& $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
				--no-install-recommends wrk >/dev/null; } \
		|| echo "No wrk here, and apt-get cannot install it: a test under load will be skipped."

# Unpack only promtool into .venv, because Debian's package would start a Prometheus server.
promtool: $(INSTALLED)
	@command -v promtool >/dev/null \
		|| { command -v apt-get >/dev/null && $(SUDO) apt-get update -qq \
			&& cd $(BIN) && apt-get download -qq prometheus 2>/dev/null \
			&& dpkg-deb --fsys-tarfile prometheus_*.deb \
				| tar --extract --strip-components=3 ./usr/bin/promtool \
			&& rm prometheus_*.deb; } \
		|| echo "No promtool here, and apt-get cannot fetch it: tests of alerts will be skipped."

SUDO := $(if $(filter 0,$(shell id -u)),,sudo -n)

clean: stop ## remove all build output and every demo database
	rm -rf $(VENV) .run build dist *.egg-info
