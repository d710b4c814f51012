"""Workshop 1: Keras models from photographs."""
