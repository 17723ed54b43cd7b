"""Counts of a unit and their decimal text: `580.1` is 5801 price units of `0.1`.

Inside the fold a price counts the instrument's price unit and a quantity its lot unit; texts stand at the edge. The
same prices and quantities come back all the time, so both directions remember a bounded number of answers.
"""

from kernel.money import NotExact, canonical, parse

REMEMBERED_MAX = 65_536


class Grid:
    """Whole multiples of `unit`, a positive plain decimal. Counts are not negative."""

    def __init__(self, unit: str) -> None:
        value = parse(unit)
        if value <= 0:
            raise NotExact(f"expected a positive unit, got {unit!r}")
        text = canonical(value)
        self.unit = text
        self._decimals = len(text.partition(".")[2])
        self._step = int(text.replace(".", ""))
        self._one = 10**self._decimals
        self._counts: dict[str, int] = {}
        self._texts: dict[int, str] = {}

    def count(self, text: str) -> int:
        """How many units `text` is; NotExact unless it is a plain decimal and a whole number of them."""
        found = self._counts.get(text)
        if found is None:
            if len(self._counts) >= REMEMBERED_MAX:
                self._counts.clear()
            found = self._counts[text] = self._counted(text)
        return found

    def text(self, count: int) -> str:
        """The canonical decimal of `count` units."""
        found = self._texts.get(count)
        if found is None:
            if len(self._texts) >= REMEMBERED_MAX:
                self._texts.clear()
            found = self._texts[count] = self._rendered(count)
        return found

    def _counted(self, text: str) -> int:
        whole, point, fraction = text.partition(".")
        if not text.isascii() or not whole.isdecimal() or (point and not fraction.isdecimal()):
            raise NotExact(f"expected a plain decimal such as 12.50, got {text[:50]!r}")
        fraction = fraction.rstrip("0")
        steps, rest = divmod(int(whole + fraction.ljust(self._decimals, "0")), self._step)
        if rest or len(fraction) > self._decimals:
            raise NotExact(f"{text} is not a whole multiple of {self.unit}")
        return steps

    def _rendered(self, count: int) -> str:
        assert count >= 0, f"a count of {self.unit} below zero: {count}"
        whole, fraction = divmod(count * self._step, self._one)
        return f"{whole}.{fraction:0{self._decimals}d}".rstrip("0") if fraction else str(whole)
