"""What leaves a survey: maps, tables, and prescriptions that a terminal opens."""
