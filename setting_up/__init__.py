"""What run.py does before radnb can run, with nothing but Python's own library: see packages.set_up for the order."""
