# What a person runs, and what CI runs. Each environment is made once, and anew when pyproject.toml or the pins change.
PYTHON ?= python3

.PHONY: help demo test check clean

help: ## print these lines
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# gpiozero's mock pins stand in for the Pi's, so the lamp and the buzzer are lines on the screen.
demo: .venv-demo/.made ## watch a built-in scene for about 20 s, with no camera, no Pi and no TensorFlow
	GPIOZERO_PIN_FACTORY=mock .venv-demo/bin/maskwatch run --source demo --show-pins

test: check ## everything CI asks for: check, then the tests
	.venv/bin/pytest

check: .venv/.made ## lint, format, types, who imports whom
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

# runs/ stays: it holds trained models, hours of work.
clean: ## remove the environments, caches and built files
	rm -rf .venv .venv-demo .venv-new build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/.made: extras = train,dev,demo
.venv-demo/.made: extras = demo

# The stamp comes last and the folder goes first, so a half-made environment is never taken for a whole one.
.venv/.made .venv-demo/.made: pyproject.toml constraints/workstation.txt
	$(if $(shell $(PYTHON) -c 'import sys; print("new" * (sys.version_info >= (3, 11)))' 2>/dev/null),,\
		$(error Python 3.11 or newer is needed, and `$(PYTHON)` is not: name one, as in `make test PYTHON=python3.13`))
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --editable '.[$(extras)]' --constraint constraints/workstation.txt
	touch $@
