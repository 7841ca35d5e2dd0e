"""What the operator's board shows, and what persons tell the station from it."""
