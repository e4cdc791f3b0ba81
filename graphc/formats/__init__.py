"""Byte formats that other programs read: records, protocol buffers, PNG.

Also files that are written whole, and the packages of extras.
"""
