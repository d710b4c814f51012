"""Workshop 2: Keras models to int8 TFLite bundles, with the proof that accuracy survived."""
