"""What the bundle's configuration names: how pictures are read, and the network."""
