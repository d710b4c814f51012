# What a person runs, and what CI runs. Each environment is made once, and anew when pyproject.toml or the pins change.
PYTHON ?= python3

# What `make models` learns from: see README. YUNET, a file, is not needed: with it, drawn masks follow the head's turn.
DATA ?= data/portraits
SCENES ?= data/scenes# one folder or several, a source each
WEIGHTS ?= imagenet
WEIGHTS_NARROW ?= imagenet
BUNDLES = device/maskwatch/models
TRAIN = .venv/bin/python -m training train
CONVERT = .venv/bin/python -m convert
VARIANTS ?= float32,float16,dynamic,int8,int16x8
# No runtime has a quick kernel for int16x8: where a picture takes seconds, it is left out.
LARGE_VARIANTS ?= float32,float16,dynamic,int8

.PHONY: help demo test check models reference study clean

help: ## print these lines
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# gpiozero's mock pins stand in for the Pi's, so the LED and the buzzer are lines on the screen: a steady tone, because
# two beeps a second would be forty of them.
demo: .venv-demo/.made ## watch a built-in scene for about 20 s, with no camera, no Pi and no TensorFlow
	GPIOZERO_PIN_FACTORY=mock MASKWATCH__OUTPUTS__BUZZER__PATTERN=steady \
		.venv-demo/bin/maskwatch run --source demo --show-pins

# A file's tests stay together: they share what is expensive to make. A process holds TensorFlow, about 1 GB.
test: check ## everything CI asks for: check, then the tests
	.venv/bin/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

check: .venv/.made ## lint, format, types, who imports whom
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

# Interrupted, each goes on where it was.
models: .venv/.made ## rebuild the shipped models: make models DATA=… SCENES=… WEIGHTS=… WEIGHTS_NARROW=…
	$(TRAIN) mobilenet_v2 --data $(DATA) $(addprefix --scenes ,$(SCENES)) --weights $(WEIGHTS) \
		$(addprefix --yunet ,$(YUNET)) --out runs/mask
	$(CONVERT) runs/mask/model.keras --data $(DATA) $(addprefix --data ,$(SCENES)) \
		--variants $(VARIANTS) -o runs/mask/mask.tflite --report convert/results
	cp runs/mask/mask.tflite runs/mask/mask.recipe.json $(BUNDLES)
	$(TRAIN) finder $(addprefix --data ,$(SCENES)) --portraits $(DATA) --weights $(WEIGHTS_NARROW) --out runs/face
	$(CONVERT) runs/face/model.keras --data $(DATA) $(addprefix --data ,$(SCENES)) \
		--variants $(VARIANTS) -o runs/face/face.tflite --report convert/results
	cp runs/face/face.tflite runs/face/face.recipe.json $(BUNDLES)
	cd $(BUNDLES) && sha256sum face.tflite mask.tflite > SHA256SUMS

reference: .venv/.made ## the study's network at its own 224 px, to compare with: runs/reference.tflite
	$(TRAIN) mobilenet_v2 --size 224 --data $(DATA) $(addprefix --scenes ,$(SCENES)) --weights $(WEIGHTS) --out runs/reference
	$(CONVERT) runs/reference/model.keras --data $(DATA) $(addprefix --data ,$(SCENES)) -o runs/reference.tflite

study: .venv/.made ## the study's other networks, trained, quantized and judged: an hour or more of training
	$(TRAIN) cnn --data $(DATA) $(addprefix --scenes ,$(SCENES)) --out runs/cnn
	$(TRAIN) alexnet --data $(DATA) $(addprefix --scenes ,$(SCENES)) --out runs/alexnet
	$(TRAIN) yolov5s --data $(firstword $(SCENES)) --out runs/yolov5s
	mkdir -p runs/study
	$(CONVERT) runs/cnn/model.keras --data $(DATA) $(addprefix --data ,$(SCENES)) --variants $(VARIANTS) -o runs/study/cnn.tflite
	$(CONVERT) runs/alexnet/model.keras --data $(DATA) $(addprefix --data ,$(SCENES)) --variants $(LARGE_VARIANTS) -o runs/study/alexnet.tflite
	$(CONVERT) runs/yolov5s/model.keras --data $(firstword $(SCENES)) --variants $(LARGE_VARIANTS) -o runs/study/yolov5s.tflite

# runs/ stays: it holds trained models, hours of work.
clean: ## remove the environments, caches and built files
	rm -rf .venv .venv-demo .venv-new build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/.made: extras = train,dev,demo,picamera
.venv/.made: alone = picamera2 mediapipe
.venv-demo/.made: extras = demo

# The stamp comes last and the folder goes first, so a half-made environment is never taken for a whole one.
.venv/.made .venv-demo/.made: pyproject.toml constraints/workstation.txt
	$(if $(shell $(PYTHON) -c 'import sys; print("new" * (sys.version_info >= (3, 11)))' 2>/dev/null),,\
		$(error Python 3.11 or newer is needed, and `$(PYTHON)` is not: name one, as in `make test PYTHON=python3.13`))
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --editable '.[$(extras)]' --constraint constraints/workstation.txt
	$(if $(alone),$(@D)/bin/pip install --no-deps $(alone) --constraint constraints/workstation.txt)
	touch $@
