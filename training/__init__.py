"""Workshop 1: Keras models from photographs."""

from training.runs import kernels, tensorflow_chatter

tensorflow_chatter.mute()
kernels.prefer_onednn()
