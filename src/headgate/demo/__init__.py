"""The demonstration: real code, real pushes, a real server; it drives what anyone can use."""
