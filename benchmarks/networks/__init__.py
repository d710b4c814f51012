"""Networks by variant, runtime and threads: each timed in a separate process, compared, doubted."""
