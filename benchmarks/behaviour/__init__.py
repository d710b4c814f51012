"""What alerts tell: in scripted scenes, and at a filmed door."""
