"""Statistics of a line: control charts, exports, and measurement system analysis."""
