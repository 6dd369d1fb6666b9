# All that a fresh machine with python3 and make needs. The same steps without make: README.md.
VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
PLUGINS = -e plugins/diascope-derm -e "plugins/diascope-chest[examples]" -e plugins/diascope-dicom \
  -e plugins/diascope-slides -e plugins/diascope-pathology
EVERY = $(PLUGINS) -e plugins/diascope-ray

.PHONY: demo test bench lint clean

demo: $(VENV)/demo.stamp
	$(BIN)/pipeline run derm.yaml --output results/derm
	$(BIN)/pipeline run chest.yaml --output results/chest
	$(BIN)/pipeline run pathology.yaml --output results/pathology
	@echo
	@echo "Open the reports:"
	@for domain in derm chest pathology; do echo "  $(CURDIR)/results/$$domain/report.html"; done
	@echo "Your own pictures: . $(BIN)/activate && pipeline run derm.yaml my-photos/ --output results/mine"

# In two processes, each with whole files of tests: half the time on two cores.
test: lint
	$(BIN)/pytest -n 2 --dist loadfile

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/test.stamp
	$(BIN)/python benchmarks/all.py

$(BIN)/python:
	@echo "Setting up $(VENV); the first time takes some minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip

$(VENV)/demo.stamp: $(BIN)/python pyproject.toml $(wildcard plugins/*/pyproject.toml) constraints.txt
	$(BIN)/pip install --quiet -c constraints.txt -e . $(PLUGINS)
	@touch $@

$(VENV)/test.stamp: $(BIN)/python pyproject.toml $(wildcard plugins/*/pyproject.toml) constraints.txt
	$(BIN)/pip install --quiet -c constraints.txt -e ".[test]" $(EVERY)
	@touch $@ $(VENV)/demo.stamp

clean:
	rm -rf $(VENV) results runs
