"""The worklist page: the only place of this pack that draws."""
