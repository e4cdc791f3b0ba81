"""The functions of the public namespaces, one file per family; math.py, nn.py... list them."""
