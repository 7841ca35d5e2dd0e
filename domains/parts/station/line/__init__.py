"""The running line: its loop, recipes, reject gate, and the process around them."""
