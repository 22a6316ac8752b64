"""The score to and from files: MusicXML, MIDI, tokens, JSON."""
