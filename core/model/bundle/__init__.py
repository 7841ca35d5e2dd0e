"""A fitted model as a folder that proves itself before it is used."""
