"""How well is it read: error rates, tables, plots, error sheets."""
