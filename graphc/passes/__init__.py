"""Graph to graph: each pass is a pure function; their order is one line of text in base.py."""
