"""Rewrite rules, one file per family; `graphc.passes.rewrite` applies them."""
