"""What goes back into the study, and how it gets there."""
