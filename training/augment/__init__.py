"""How training photographs are varied: what people wear (`wear`), and what a camera does to them (`weather`)."""
