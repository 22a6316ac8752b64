"""Scores between formats: `sources` reads, `writers` writes, `convert` does both.

Everything that is read is a score of tokens (.semantic) or a MusicXML document (all else); other
libraries and programs write what this package does not, from MusicXML.
"""
