"""Folders of samples: found, counted, sampled, divided."""
