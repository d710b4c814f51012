"""Times networks by variant, runtime and threads, each in a separate process; compares the runs and doubts them."""
