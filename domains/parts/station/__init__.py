"""The line-side station: trigger to frame to verdict to output, fail-safe."""
