"""Byte formats that other programs read: records, protocol buffers, PNG; files written whole."""
