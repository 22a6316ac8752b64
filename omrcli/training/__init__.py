"""`omr train` and `omr export`: everything that needs torch, and nothing that `omr transcribe`
loads."""
