"""`omr doctor`: what this machine has of what reading needs, and whether a staff is read."""
