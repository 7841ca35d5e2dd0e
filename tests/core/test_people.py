"""People: what each role may do, and what a refusal says."""

import pytest

from core.errors import PermissionDenied
from core.people import Person, Role


@pytest.mark.parametrize("own", Role)
@pytest.mark.parametrize("needed", Role)
def test_a_role_may_do_what_the_ones_before_it_may(own: Role, needed: Role) -> None:
    order = ["none", "viewer", "reviewer", "lead", "admin"]
    person = Person("ada", "Ada", own)
    if order.index(own) >= order.index(needed):
        person.require(needed, "release a policy")
    else:
        with pytest.raises(PermissionDenied) as refused:
            person.require(needed, "release a policy")
        for word in ("Ada", "no role" if own is Role.NONE else own, needed, "release a policy"):
            assert word in str(refused.value)


def test_alone_a_named_person_may_do_everything_and_nobody_nothing() -> None:
    Person.alone(" Ada ").require(Role.ADMIN, "delete a person")
    assert Person.alone(" Ada ").name == "Ada"
    for name in ("", "  "):
        with pytest.raises(PermissionDenied, match="Nobody is named"):
            Person.alone(name).require(Role.VIEWER, "look at a case")
