"""What alerts do in scripted scenes and at a filmed door."""
