"""Who is signed in."""

from __future__ import annotations

import pytest

from tests.factories import CITY, DISTRICT, OTHER_DISTRICT


@pytest.fixture
def office(world, sign_in):
    return sign_in(world.account("district", DISTRICT))


@pytest.fixture
def city(world, sign_in):
    return sign_in(world.account("city", CITY))


@pytest.fixture
def other(world, sign_in):
    return sign_in(world.account("district", OTHER_DISTRICT))
