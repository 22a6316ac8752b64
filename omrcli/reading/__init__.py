"""Staff images to tokens: network, decoding, alphabets, confidence."""
