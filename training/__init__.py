"""Workshop 1: Keras models from photographs."""

from training.runs import tensorflow_chatter

tensorflow_chatter.mute()
