"""The languages of the crops pack.

A text is written in English where it is needed, marked by ``N_``, and carried about as a
`Sentence`; it is translated where it is shown: ``language(preferred(header)).render(sentence)``.
Translations lie in ``locale/CODE/*.po``, a file for each part of the pack, and are read as they
are, so there is nothing to compile. A marked text that a language lacks fails a test.
"""

from domains.crops.locale.language import LANGUAGES, Language, language, preferred
from domains.crops.locale.sentence import N_, Sentence

__all__ = ["LANGUAGES", "N_", "Language", "Sentence", "language", "preferred"]
