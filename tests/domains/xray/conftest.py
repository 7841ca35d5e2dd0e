import sys
from pathlib import Path

# Lets tests import radiographs.py.
sys.path.insert(0, str(Path(__file__).parent))
