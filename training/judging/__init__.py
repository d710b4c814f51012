"""How right a model is: on photographs and scenes, by slices, against other people's models."""
