"""Workshop 1: Keras models from photographs."""

import os

# Before TensorFlow is first imported, whoever does it: its C++ part writes ten lines to stderr otherwise, among them
# that there is no GPU. What fails is an exception all the same.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
