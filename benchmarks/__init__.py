"""Workshop 3: what a frame costs, on each board."""
