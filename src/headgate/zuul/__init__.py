"""Zuul's configuration, read and written anew as Headgate's."""
