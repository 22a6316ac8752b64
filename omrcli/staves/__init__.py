"""The staves of a page, and their images as the network wants them."""
