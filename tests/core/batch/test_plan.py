"""Cutting a source into parts."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.batch import plan
from core.batch.plan import DIGEST, DigestSet, cut, digest_of, is_archive, name_part

LOCATIONS = [f"lot/{n}.png".encode() for n in range(25)]


@given(
    st.lists(st.sampled_from([*LOCATIONS, b"a.zip", b"lot/B.ZIP"])),
    st.sets(st.sampled_from(LOCATIONS)),
    st.integers(1, 7),
)
def test_every_new_location_is_in_one_part_in_order(locations, known, size):
    before = DigestSet(b"".join(map(digest_of, known)))
    parts = list(cut(locations, before, size))
    listed = [one for part in parts for one in part]
    new = [one for one in dict.fromkeys(locations) if one not in known]
    files = [one for one in new if not is_archive(one)]
    assert [one for one in listed if not is_archive(one)] == files
    assert sorted(listed) == sorted(new)
    assert all(len(part) == 1 for part in parts if is_archive(part[0]))
    sizes = [len(part) for part in parts if not is_archive(part[0])]
    assert all(one == size for one, _ in pairwise(sizes))
    assert max(sizes, default=0) <= size


def test_digests_are_known_whatever_they_end_in_and_however_many_there_are(monkeypatch):
    monkeypatch.setattr(plan, "_RECENT", 50)
    rng = np.random.default_rng(0)
    digests = [rng.integers(0, 3, DIGEST, np.uint8).tobytes() for _ in range(1000)]
    digests += [bytes(DIGEST), b"\1" + bytes(DIGEST - 1), bytes(DIGEST - 1) + b"\1"]
    known = DigestSet(digests[0] + digests[1])
    added = [known.add(digest) for digest in digests]
    assert added == [False, False, *[True] * (len(digests) - 2)]
    assert not any(known.add(digest) for digest in digests)


def test_a_part_is_named_after_its_pictures_and_their_bounds():
    assert name_part([b"a", b"b"]) == name_part([b"a", b"b"])
    names = {name_part(p) for p in ([b"a", b"b"], [b"ab"], [b"b", b"a"], [b"a"], [b"a\0b"])}
    assert len(names) == 5
    assert all(name.startswith("part-") and name.endswith(".parquet") for name in names)
