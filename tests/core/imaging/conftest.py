import sys
from pathlib import Path

# Lets tests import pictures.py, and decoder processes the packs of hostile_packs.py.
sys.path.insert(0, str(Path(__file__).parent))
