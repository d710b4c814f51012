"""Workshop 2: Keras models to TFLite bundles of every variant, with the proof that accuracy survived."""

from training.runs import tensorflow_chatter

tensorflow_chatter.mute()
