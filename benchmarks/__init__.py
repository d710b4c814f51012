"""Workshop 3: measures what a frame costs on each board, and what alerts do."""
