"""Run under emulation by emulator.py: calls each model once between two marks, which the counting plugin sees.

Arguments: FILE.tflite, or yunet:SIDE:FILE.onnx. Everything is on one thread, on a picture of noise: a convolution
executes the same instructions for all weights and pixels.
"""

import contextlib
import os
import sys

import numpy as np

FIRST_MARK = 900_000  # a process that does not exist
WARM_UPS = 2  # the first call packs weights


def mark(number):
    """A system call that the plugin recognises."""
    with contextlib.suppress(ProcessLookupError):
        os.getsid(FIRST_MARK + number)


def network(path):
    """A TFLite model, ready to call."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]
    pixels = np.random.default_rng(0).integers(0, 256, entry["shape"]).astype(entry["dtype"])
    interpreter.set_tensor(entry["index"], pixels)
    return interpreter.invoke


def yunet(side, path):
    """OpenCV's YuNet with its own decoding, ready to call."""
    import cv2

    cv2.setNumThreads(1)
    detector = cv2.FaceDetectorYN.create(path, "", (side, side), 0.6)
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    return lambda: detector.detect(image)


for place, word in enumerate(sys.argv[1:]):
    call = yunet(int(word.split(":")[1]), word.split(":", 2)[2]) if word.startswith("yunet:") else network(word)
    for _ in range(WARM_UPS):
        call()
    mark(2 * place)
    call()
    mark(2 * place + 1)
