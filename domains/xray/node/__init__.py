"""The listeners by which radiographs come in: C-STORE, STOW-RS, a watched folder."""
