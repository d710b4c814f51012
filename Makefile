# The commands that developers and CI run. An environment is made once, and again when pyproject.toml or constraints/
# change.
PYTHON ?= python3

# The data for `make models` and `make bundles`: docs/training.md says where to get it. YUNET, an ONNX file, is optional:
# with it, drawn masks follow the pose of the head. MASKWATCH_DATA is a folder that contains the data sets by these names.
ifdef MASKWATCH_DATA
DATA ?= $(MASKWATCH_DATA)/face-mask-7553
SCENES ?= $(addprefix $(MASKWATCH_DATA)/,face-mask-boxes face-mask-ilc faces-wider face-mask-types rooms-empty)
endif
DATA ?= data/portraits
SCENES ?= data/scenes# one folder for each source
WEIGHTS ?= imagenet
WEIGHTS_NARROW ?= imagenet
# Options of each training; `--start FILE` continues from a model, see training/models.
CLASSIFIER ?= --weights $(WEIGHTS)
FINDER ?= --weights $(WEIGHTS_NARROW)
MODELS = training/models
# QUICK=1 uses a few pictures and takes minutes, to see whether every step works. Its models are in runs/quick, are marked,
# and are not shipped.
ifdef QUICK
QUICK_OPTION = --quick
RUNS = runs/quick
else
RUNS = runs
endif
TRAIN = .venv/bin/python -m training train
CONVERT = .venv/bin/python -m convert
PART ?= validation
VARIANTS ?= float32,float16,dynamic,int8,int16x8
# Without int16x8, because no runtime has a fast kernel for it: a picture would take seconds.
LARGE_VARIANTS ?= float32,float16,dynamic,int8

.PHONY: help demo test test-pi check models face-model mask-model bundles far reach quality reference study clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# gpiozero's mock pins replace the Pi's pins, so LED and buzzer are lines on the screen. The tone is steady, because each
# beep would be two lines.
demo: .venv-demo/.made ## watch a built-in scene for about 20 s, with no camera, no Pi and no TensorFlow
	GPIOZERO_PIN_FACTORY=mock MASKWATCH__OUTPUTS__BUZZER__PATTERN=steady \
		.venv-demo/bin/maskwatch run --source demo --show-pins

# The tests of a file run in one process, because they share expensive fixtures. Each process needs about 1 GB for
# TensorFlow.
test: check ## all that CI runs: check, then the tests
	.venv/bin/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

# Base image, wheels and cards (about 5 GB) are kept outside the repository. The tests run one after the other, in the
# order of the files.
PI_CACHE ?= $(HOME)/.cache/maskwatch-pi
PI_RESULTS ?= runs/pi

test-pi: .venv/.made ## flash a unit's card and boot it on an emulated Raspberry Pi, see docs/emulated-pi.md
	MASKWATCH_PI_CACHE=$(PI_CACHE) MASKWATCH_PI_RESULTS=$(PI_RESULTS) \
		.venv/bin/pytest tests/pi -m pi --numprocesses 0 --capture no

check: .venv/.made ## lint, format, types and import rules
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

# An interrupted training continues when you run this again. Only a finished training has a run.json. `make --jobs 2 models`
# trains both models at the same time.
models: face-model mask-model ## train the shipped models and make their bundles: make models DATA=… SCENES=… FINDER=… CLASSIFIER=… [QUICK=1]
ifdef QUICK
	$(CONVERT) $(RUNS)/face/model.keras $(QUICK_OPTION) --data $(DATA) $(addprefix --data ,$(SCENES)) -o $(RUNS)/face.tflite
	$(CONVERT) $(RUNS)/mask/model.keras $(QUICK_OPTION) --data $(DATA) $(addprefix --data ,$(SCENES)) -o $(RUNS)/mask.tflite
else
	mkdir -p $(MODELS)/face $(MODELS)/mask
	cp runs/face/model.keras runs/face/run.json runs/face/curves.png $(MODELS)/face
	cp runs/mask/model.keras runs/mask/run.json runs/mask/curves.png $(MODELS)/mask
	$(MAKE) bundles DATA="$(DATA)" SCENES="$(SCENES)"
	$(MAKE) reach SCENES="$(SCENES)"
endif

face-model: .venv/.made
	$(TRAIN) finder $(QUICK_OPTION) $(addprefix --data ,$(SCENES)) --portraits $(DATA) $(FINDER) --out $(RUNS)/face

mask-model: .venv/.made
	$(TRAIN) mobilenet_v2 $(QUICK_OPTION) --data $(DATA) $(addprefix --scenes ,$(SCENES)) $(CLASSIFIER) \
		$(addprefix --yunet ,$(YUNET)) --out $(RUNS)/mask

bundles: .venv/.made ## make the shipped bundles again from training/models, byte for byte: make bundles DATA=… SCENES=…
	$(CONVERT).bundles --data $(DATA) $(addprefix --data ,$(SCENES))

# Continue training the shipped finder with a larger input, FAR_SIZE pixels wide. Its first layers are frozen, because they
# detect details, which look the same in the larger input.
FAR_SIZE ?= 512
FAR ?= --frozen block_5_add --again 1250 --rounded 750 --rate 0.001
far: .venv/.made ## train the finder with a larger input, for [face] reach = "far": make far DATA=… SCENES=…
	test -f $(RUNS)/far-start/model.keras || \
		.venv/bin/python -m training resize $(MODELS)/face/model.keras --size $(FAR_SIZE) --out $(RUNS)/far-start
	$(TRAIN) finder $(addprefix --data ,$(SCENES)) --portraits $(DATA) --size $(FAR_SIZE) \
		--start $(RUNS)/far-start/model.keras $(FAR) --out $(RUNS)/far
	$(CONVERT) $(RUNS)/far/model.keras --variants float32,int8 --data $(DATA) $(addprefix --data ,$(SCENES)) -o $(RUNS)/far/int8.tflite
	.venv/bin/python -m training choose-threshold $(RUNS)/far/model.keras --bundle $(RUNS)/far/int8.tflite $(addprefix --data ,$(SCENES))
	mkdir -p $(MODELS)/face-far
	cp $(RUNS)/far/model.keras $(RUNS)/far/run.json $(RUNS)/far/curves.png $(MODELS)/face-far
	$(CONVERT).bundles --task face-far --data $(DATA) $(addprefix --data ,$(SCENES))
	.venv/bin/python -m training reach device/maskwatch/models/face-far.tflite \
		$(addprefix --scenes ,$(filter-out %/face-mask-types %/rooms-empty,$(SCENES)))

# Without portraits, whose boxes another finder drew, and without rooms, which have no faces.
reach: .venv/.made ## measure how small a face the shipped finder finds, for `maskwatch check`: make reach SCENES=…
	.venv/bin/python -m training reach device/maskwatch/models/face.tflite \
		$(addprefix --scenes ,$(filter-out %/face-mask-types %/rooms-empty,$(SCENES)))

# OURS, FLOATS: e.g. now=face.tflite,mask.tflite. PEERS: a folder of other people's detectors. It takes a few minutes.
quality: .venv/.made ## make the tables of docs/quality.md again: make quality PART=test OURS=… FLOATS=… PEERS=… DATA=… SCENES=…
	.venv/bin/python -m training strangers --part $(PART) $(addprefix --ours ,$(OURS)) $(addprefix --float ,$(FLOATS)) \
		$(addprefix --peers ,$(PEERS)) --data $(DATA) $(addprefix --scenes ,$(SCENES))
	.venv/bin/python -m benchmarks readme

reference: .venv/.made ## train the study's network at 224 px for comparison: runs/reference.tflite [QUICK=1]
	$(TRAIN) mobilenet_v2 $(QUICK_OPTION) --size 224 --data $(DATA) $(addprefix --scenes ,$(SCENES)) --weights $(WEIGHTS) \
		--out $(RUNS)/reference
	$(CONVERT) $(RUNS)/reference/model.keras $(QUICK_OPTION) --data $(DATA) $(addprefix --data ,$(SCENES)) -o $(RUNS)/reference.tflite

study: .venv/.made ## train, quantize and judge a CNN, an AlexNet and YOLOv5s by our recipe: hours [QUICK=1]
	$(TRAIN) cnn $(QUICK_OPTION) --data $(DATA) $(addprefix --scenes ,$(SCENES)) --out $(RUNS)/cnn
	$(TRAIN) alexnet $(QUICK_OPTION) --data $(DATA) $(addprefix --scenes ,$(SCENES)) --out $(RUNS)/alexnet
	$(TRAIN) yolov5s $(QUICK_OPTION) --data $(firstword $(SCENES)) --portraits $(DATA) --out $(RUNS)/yolov5s
	mkdir -p $(RUNS)/study
	$(CONVERT) $(RUNS)/cnn/model.keras $(QUICK_OPTION) --data $(DATA) $(addprefix --data ,$(SCENES)) --variants $(VARIANTS) \
		-o $(RUNS)/study/cnn.tflite
	$(CONVERT) $(RUNS)/alexnet/model.keras $(QUICK_OPTION) --data $(DATA) $(addprefix --data ,$(SCENES)) --variants $(LARGE_VARIANTS) \
		-o $(RUNS)/study/alexnet.tflite
	$(CONVERT) $(RUNS)/yolov5s/model.keras $(QUICK_OPTION) --data $(firstword $(SCENES)) --variants $(LARGE_VARIANTS) \
		-o $(RUNS)/study/yolov5s.tflite

# runs/ is kept, because it contains trained models, which took hours.
clean: ## remove the environments, caches and built files
	rm -rf .venv .venv-demo .venv-new build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/.made: extras = train,jax,dev,demo,picamera,flash
.venv/.made: alone = picamera2 mediapipe
.venv-demo/.made: extras = demo

# Remove the folder first and write .made last, so that an incomplete environment is never used.
.venv/.made .venv-demo/.made: pyproject.toml constraints/workstation.txt
	$(if $(shell $(PYTHON) -c 'import sys; print("new" * (sys.version_info >= (3, 11)))' 2>/dev/null),,\
		$(error Python 3.11 or newer is needed, but `$(PYTHON)` is older; give another one, e.g. make test PYTHON=python3.13))
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --editable '.[$(extras)]' --constraint constraints/workstation.txt
	$(if $(alone),$(@D)/bin/pip install --no-deps $(alone) --constraint constraints/workstation.txt)
	touch $@
