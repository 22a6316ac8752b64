"""Files to pages: images, PDF documents, and several files as one piece."""
