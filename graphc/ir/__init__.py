"""The language: dtypes, dims, types, graphs, their text, parser and verifier."""
