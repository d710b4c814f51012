# What a person runs, and what CI runs. Each environment is made once, and anew when pyproject.toml or the pins change.
PYTHON ?= python3

# What `make models` learns from, and `make bundles` calibrates on: see README. YUNET, a file, is not needed: with it,
# drawn masks follow the head's turn. MASKWATCH_DATA names a folder that holds the sets by these names.
ifdef MASKWATCH_DATA
DATA ?= $(MASKWATCH_DATA)/face-mask-7553
SCENES ?= $(addprefix $(MASKWATCH_DATA)/,face-mask-boxes face-mask-ilc faces-wider face-mask-types rooms-empty)
endif
DATA ?= data/portraits
SCENES ?= data/scenes# one folder or several, a source each
WEIGHTS ?= imagenet
WEIGHTS_NARROW ?= imagenet
# How each training begins and what else it is told; `--start FILE` goes on from a model, see training/models.
CLASSIFIER ?= --weights $(WEIGHTS)
FINDER ?= --weights $(WEIGHTS_NARROW)
KEPT = training/models
# QUICK=1: a few pictures, minutes, into runs/quick: to see whether all goes through. What it makes is marked, and nothing
# of it is shipped.
ifdef QUICK
HASTE = --quick
RUNS = runs/quick
else
RUNS = runs
endif
TRAIN = .venv/bin/python -m training train
CONVERT = .venv/bin/python -m convert
PART ?= validation
VARIANTS ?= float32,float16,dynamic,int8,int16x8
# No runtime has a quick kernel for int16x8: where a picture takes seconds, it is left out.
LARGE_VARIANTS ?= float32,float16,dynamic,int8

.PHONY: help demo test test-pi check models bundles far reach quality reference study clean

help: ## print these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# gpiozero's mock pins stand in for the Pi's, so the LED and the buzzer are lines on the screen: a steady tone, because
# two beeps a second would be forty of them.
demo: .venv-demo/.made ## watch a built-in scene for about 20 s, with no camera, no Pi and no TensorFlow
	GPIOZERO_PIN_FACTORY=mock MASKWATCH__OUTPUTS__BUZZER__PATTERN=steady \
		.venv-demo/bin/maskwatch run --source demo --show-pins

# A file's tests stay together: they share what is expensive to make. A process holds TensorFlow, about 1 GB.
test: check ## everything CI asks for: check, then the tests
	.venv/bin/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

# Base image, wheels and cards are kept outside the tree: about 5 GB. One board at a time, in the order of the files.
PI_CACHE ?= $(HOME)/.cache/maskwatch-pi
PI_RESULTS ?= runs/pi

test-pi: .venv/.made ## a unit's card, flashed and booted on an emulated Raspberry Pi: see docs/emulated-pi.md
	MASKWATCH_PI_CACHE=$(PI_CACHE) MASKWATCH_PI_RESULTS=$(PI_RESULTS) \
		.venv/bin/pytest tests/pi -m pi --numprocesses 0 --capture no

check: .venv/.made ## lint, format, types, who imports whom
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

# Interrupted, each goes on where it was. Only a training that has ended leaves a run.json.
models: .venv/.made ## train what ships and make its bundles: make models DATA=… SCENES=… FINDER=… CLASSIFIER=… [QUICK=1]
	$(TRAIN) finder $(HASTE) $(addprefix --data ,$(SCENES)) --portraits $(DATA) $(FINDER) --out $(RUNS)/face
	$(TRAIN) mobilenet_v2 $(HASTE) --data $(DATA) $(addprefix --scenes ,$(SCENES)) $(CLASSIFIER) \
		$(addprefix --yunet ,$(YUNET)) --out $(RUNS)/mask
ifdef QUICK
	$(CONVERT) $(RUNS)/face/model.keras $(HASTE) --data $(DATA) $(addprefix --data ,$(SCENES)) -o $(RUNS)/face.tflite
	$(CONVERT) $(RUNS)/mask/model.keras $(HASTE) --data $(DATA) $(addprefix --data ,$(SCENES)) -o $(RUNS)/mask.tflite
else
	mkdir -p $(KEPT)/face $(KEPT)/mask
	cp runs/face/model.keras runs/face/run.json runs/face/curves.png $(KEPT)/face
	cp runs/mask/model.keras runs/mask/run.json runs/mask/curves.png $(KEPT)/mask
	$(MAKE) bundles DATA="$(DATA)" SCENES="$(SCENES)"
endif

bundles: .venv/.made ## the shipped bundles anew from training/models, byte for byte: make bundles DATA=… SCENES=…
	$(CONVERT).bundles --data $(DATA) $(addprefix --data ,$(SCENES))

# The shipped finder learns faces that fill a larger input; FAR_SIZE is its side, pixels. Its first layers see details,
# which are the same there, and stay.
FAR_SIZE ?= 512
FAR ?= --frozen block_5_add --again 1000 --rate 0.001
far: .venv/.made ## the finder with a larger input, for [face] reach = "far": make far DATA=… SCENES=…
	test -f $(RUNS)/far-start/model.keras || \
		.venv/bin/python -m training resize $(KEPT)/face/model.keras --size $(FAR_SIZE) --out $(RUNS)/far-start
	$(TRAIN) finder $(addprefix --data ,$(SCENES)) --portraits $(DATA) --size $(FAR_SIZE) \
		--start $(RUNS)/far-start/model.keras $(FAR) --out $(RUNS)/far
	mkdir -p $(KEPT)/face-far
	cp $(RUNS)/far/model.keras $(RUNS)/far/run.json $(RUNS)/far/curves.png $(KEPT)/face-far
	$(CONVERT).bundles --task face-far --data $(DATA) $(addprefix --data ,$(SCENES))
	.venv/bin/python -m training reach device/maskwatch/models/face-far.tflite \
		$(addprefix --scenes ,$(filter-out %/face-mask-types %/rooms-empty,$(SCENES)))

# Not by portraits whose boxes another finder drew, and rooms without a face tell nothing of faces.
reach: .venv/.made ## how small a face the shipped finder finds, for `maskwatch check`: make reach SCENES=…
	.venv/bin/python -m training reach device/maskwatch/models/face.tflite \
		$(addprefix --scenes ,$(filter-out %/face-mask-types %/rooms-empty,$(SCENES)))

# OURS, FLOATS: words like now=face.tflite,mask.tflite; PEERS: a folder of other people's detectors. A few minutes.
quality: .venv/.made ## the tables of docs/quality.md anew: make quality PART=test OURS=… FLOATS=… PEERS=… DATA=… SCENES=…
	.venv/bin/python -m training strangers --part $(PART) $(addprefix --ours ,$(OURS)) $(addprefix --float ,$(FLOATS)) \
		$(addprefix --peers ,$(PEERS)) --data $(DATA) $(addprefix --scenes ,$(SCENES))
	.venv/bin/python -m benchmarks readme

reference: .venv/.made ## the study's network at its own 224 px, to compare with: runs/reference.tflite [QUICK=1]
	$(TRAIN) mobilenet_v2 $(HASTE) --size 224 --data $(DATA) $(addprefix --scenes ,$(SCENES)) --weights $(WEIGHTS) \
		--out $(RUNS)/reference
	$(CONVERT) $(RUNS)/reference/model.keras $(HASTE) --data $(DATA) $(addprefix --data ,$(SCENES)) -o $(RUNS)/reference.tflite

study: .venv/.made ## the study's other networks, trained, quantized and judged: an hour or more of training [QUICK=1]
	$(TRAIN) cnn $(HASTE) --data $(DATA) $(addprefix --scenes ,$(SCENES)) --out $(RUNS)/cnn
	$(TRAIN) alexnet $(HASTE) --data $(DATA) $(addprefix --scenes ,$(SCENES)) --out $(RUNS)/alexnet
	$(TRAIN) yolov5s $(HASTE) --data $(firstword $(SCENES)) --out $(RUNS)/yolov5s
	mkdir -p $(RUNS)/study
	$(CONVERT) $(RUNS)/cnn/model.keras $(HASTE) --data $(DATA) $(addprefix --data ,$(SCENES)) --variants $(VARIANTS) \
		-o $(RUNS)/study/cnn.tflite
	$(CONVERT) $(RUNS)/alexnet/model.keras $(HASTE) --data $(DATA) $(addprefix --data ,$(SCENES)) --variants $(LARGE_VARIANTS) \
		-o $(RUNS)/study/alexnet.tflite
	$(CONVERT) $(RUNS)/yolov5s/model.keras $(HASTE) --data $(firstword $(SCENES)) --variants $(LARGE_VARIANTS) \
		-o $(RUNS)/study/yolov5s.tflite

# runs/ stays: it holds trained models, hours of work.
clean: ## remove the environments, caches and built files
	rm -rf .venv .venv-demo .venv-new build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/.made: extras = train,jax,dev,demo,picamera,flash
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
