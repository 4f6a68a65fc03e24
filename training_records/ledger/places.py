"""Resolves the names of districts, towns and villages, as offices write them, to codes."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.divisions import Division

_COMMITTEE = re.compile(r"(村民委员会|居民委员会|社区居委会|村委会|居委会|委员会)$")
_DISTRICT = re.compile(r"(新区|区|市|县)$")
_TOWN = re.compile(r"(街道办事处|街道办|街道|办事处|镇|乡)$")
_ALIASES = {"西海岸": "黄岛", "青岛西海岸": "黄岛"}


@lru_cache(20_000)
def village_key(name: str) -> str:
    """Normalises a village's name: 前河村村民委员会, 前河村委会, 前河村 and 前河 are the same."""
    key = _COMMITTEE.sub("", re.sub(r"\s", "", name))
    return re.sub(r"(社区|村)$", "", key) or key


@lru_cache(5000)
def town_key(name: str) -> str:
    return _TOWN.sub("", re.sub(r"\s", "", name)) or name


@lru_cache(2000)
def district_key(name: str) -> str:
    key = _DISTRICT.sub("", re.sub(r"(\s|^青岛市|^山东省青岛市)", "", name)) or name
    return _ALIASES.get(key, key)


class Places:
    """All divisions in memory, looked up by code or by name."""

    def __init__(self, session: Session, prefix: str) -> None:
        self.prefix = prefix
        self.levels: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.villages: dict[str, list[str]] = defaultdict(list)
        self.towns: dict[str, list[str]] = defaultdict(list)
        self.districts: dict[str, list[str]] = defaultdict(list)
        for division in session.execute(select(Division.code, Division.name, Division.level)):
            self.levels[division.code] = division.level
            self.names[division.code] = division.name
            if division.level == "village":
                self.villages[village_key(division.name)].append(division.code)
            elif division.level == "town":
                self.towns[town_key(division.name)].append(division.code)
            elif division.level == "district":
                self.districts[district_key(division.name)].append(division.code)

    def by_code(self, code: str) -> str:
        """Returns the code itself. Raises ValueError if it is malformed, unknown or out of scope."""
        if not re.fullmatch(r"\d{12}", code):
            raise ValueError(f"区划编码有 {len(code)} 位，应为 12 位数字，请核对")
        if code not in self.levels:
            raise ValueError("没有这个区划编码，请核对")
        return self._in_scope(code)

    def by_names(self, district: str, town: str, village: str, *, level: str) -> str:
        """Returns the code of the village (for a supervisor, the town) with these names. Raises ValueError if it is not
        unique."""
        districts = (
            self._one_of(self.districts, district_key(district), f"没有叫“{district}”的区（市）")
            if district
            else []
        )
        prefixes = tuple(w[:6] for w in districts) or ("",)
        towns = [
            c
            for c in (self.towns.get(town_key(town), []) if town else [])
            if c.startswith(prefixes)
        ]
        if town and not towns:
            raise ValueError(f"没有叫“{town}”的镇（街），请核对")
        if level == "town":
            return self._single(towns, town or "镇（街）", "区（市）")
        if not village:
            raise ValueError("没有填村/社区名称，请补上")
        scopes = tuple(t[:9] for t in towns) or tuple(w[:6] for w in districts) or ("",)
        matches = [c for c in self.villages.get(village_key(village), []) if c.startswith(scopes)]
        if not matches:
            raise ValueError(f"没有叫“{village}”的村（社区），请核对名称，或填区划编码")
        if len(matches) > 1:
            exact = [c for c in matches if self.names[c] == re.sub(r"\s", "", village)]
            matches = exact if len(exact) == 1 else matches
        return self._single(matches, village, "镇（街）和区（市）")

    def _single(self, codes: list[str], name: str, what: str) -> str:
        inside = [c for c in codes if c.startswith(self.prefix)]
        choice = inside if len(codes) > 1 and inside else codes
        if len(choice) > 1:
            raise ValueError(f"有 {len(choice)} 个地方叫“{name}”，请补填{what}，或填区划编码")
        if not choice:
            raise ValueError(f"没有填{name}，请补上")
        return self._in_scope(choice[0])

    @staticmethod
    def _one_of(index: dict[str, list[str]], key: str, message: str) -> list[str]:
        if key not in index:
            raise ValueError(message + "，请核对")
        return index[key]

    def _in_scope(self, code: str) -> str:
        if not code.startswith(self.prefix):
            raise ValueError(f"{self.names[code]}不在您的管理范围内")
        return code
