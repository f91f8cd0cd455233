# Each target sets up .venv by itself; nothing but python3 is needed. PYTHON=python3.12 make test picks another.
PYTHON ?= python3
STAMP := .venv/.installed

.PHONY: test demo clean

test: $(STAMP)
	scripts/check
	scripts/test $(ARGS)

demo: $(STAMP)
	scripts/demo

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet -c constraints.txt -e '.[dev,expert,rooms]'
	touch $(STAMP)

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis demo
