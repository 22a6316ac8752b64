"""Photographed pages made upright and straight."""
