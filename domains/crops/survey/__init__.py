"""Fields from above: mosaics and drone photographs, cut, judged, measured and put on a map."""
