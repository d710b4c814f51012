"""A model's variants held against its float self, a file for each kind of model."""
