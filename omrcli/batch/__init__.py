"""Folders of scans, read by many processes, and remembered in a manifest.

inputs -> plan (against the manifest) -> pool of workers -> records appended to the manifest.
"""
