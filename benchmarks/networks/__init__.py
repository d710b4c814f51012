"""Networks by variant, runtime and threads: each timed in a process of its own, compared, doubted."""
