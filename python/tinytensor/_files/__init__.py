"""How tensors are written to files and read from them: the work behind `save`, `load` and `hub`."""
