# The deployment, in its own environment: `make deploy STAGE=dev TARGETS=bucket[,bucket]`, `make
# destroy STAGE=dev`, `make synth …`, `make build-lambda`, `make infra-test`. Other choices, all in
# docs/deploy.md: CHOICES="catalog=assets kms=create"; with target_roles=…, TARGETS is
# optional. Included by the Makefile.
PYTHON ?= python3
INFRA_VENV ?= .venv-infra
INFRA_PY := $(INFRA_VENV)/bin/python
STAGE ?=
TARGETS ?=
CHOICES ?=
DEPLOYMENT = $(INFRA_PY) -m tools.deploy --stage "$(STAGE)" --targets "$(TARGETS)" $(foreach choice,$(CHOICES),--choose "$(choice)")

.PHONY: deploy destroy synth build-lambda infra-test infra-docs lock-infra

deploy: $(INFRA_VENV)/stamp ## check, build, bootstrap if needed, deploy; STAGE=dev TARGETS=bucket
	@PYTHONPATH=src $(DEPLOYMENT) deploy

destroy: $(INFRA_VENV)/stamp ## delete a stage; STAGE=dev
	@PYTHONPATH=src $(DEPLOYMENT) destroy

synth: $(INFRA_VENV)/stamp ## write the template to build/cdk.out; no account needed
	@PYTHONPATH=src $(DEPLOYMENT) synth

build-lambda: $(INFRA_VENV)/stamp ## write the Lambda package to build/lambda
	@PYTHONPATH=src $(INFRA_PY) -m tools.build_lambda

infra-test: $(INFRA_VENV)/stamp ## every test of the deployment; no account, Docker or Node needed
	@$(INFRA_PY) -m pytest tests/infra $(ARGS)

infra-docs: $(INFRA_VENV)/stamp ## generate docs/iam.md from the policies
	@PYTHONPATH=src $(INFRA_PY) -m tools.iam_docs

lock-infra: $(INFRA_VENV)/stamp ## update requirements/infra.txt
	@$(INFRA_VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock-infra" \
	  -c requirements/dev.txt $(ARGS) requirements/infra.in --output-file requirements/infra.txt

# The CDK's command line is installed when it is first needed (tools/deploy.py).
$(INFRA_VENV)/stamp: requirements/infra.txt infra.mk
	@echo "Installing requirements/infra.txt into $(INFRA_VENV) (once; about a minute)"
	@$(PYTHON) -m venv --clear $(INFRA_VENV)
	@$(INFRA_PY) -m pip install --quiet --disable-pip-version-check --require-hashes --no-compile -r $<
	@$(INFRA_PY) -c "$$COMMANDS"
	@touch $@
