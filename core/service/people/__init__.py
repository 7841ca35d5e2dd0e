"""Who people are, what each may do, and how long a sign-in counts."""
