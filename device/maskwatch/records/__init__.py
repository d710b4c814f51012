"""Schemas of the files that one workshop writes and another reads: runs, proofs, scores and measurements.

The workshops (training, convert, benchmarks) do not import each other to exchange results: they exchange files. This
package lies below all of them, so that the writer and the reader of a file use the same schema. A unit never imports
it; an import contract in pyproject.toml checks that.
"""
