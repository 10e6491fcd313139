"""Pixels: volumes, masks and their geometry."""
