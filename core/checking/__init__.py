"""What is wrong with a labelled data set before anything is learned from it: pure functions."""
