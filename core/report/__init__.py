"""One HTML file about one evaluation: figures and verdicts in, a string out."""
