"""What a photograph says about itself, and whether it can be judged."""
