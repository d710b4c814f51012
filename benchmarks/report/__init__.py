"""A page of what the boards' records say."""
