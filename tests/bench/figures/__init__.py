"""One module for each family of figures: FIGURES is what it gives (bench.py)."""
