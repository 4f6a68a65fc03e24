"""Chinese is set in the fonts that come with the installation, on a machine that has none."""

from __future__ import annotations

import io
import re

import pypdf
import pypdfium2
import pytest
from PIL import Image

from exam_app.config import ROOT
from training_records.typesetting import FONTS, svg_to_png, typeset

TEMPLATES = sorted(
    [*(ROOT / "exam_app").rglob("*.typ"), *(ROOT / "training_records").rglob("*.typ")]
)
# Signs of names that not every font has: of the extensions, too.
RARE = "䶮𬭎㛃"


def families() -> set[str]:
    typst = pytest.importorskip("typst")
    return set(typst.Fonts(include_system_fonts=False, font_paths=[str(FONTS)]).families())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_font_that_a_template_names_is_there(path):
    assert set(re.findall(r'font: "([^"]+)"', path.read_text("utf-8"))) <= families()


@pytest.mark.parametrize("family", ["Noto Sans SC", "Noto Serif SC"])
def test_rare_signs_are_set_and_can_be_read_back(tmp_path, family):
    template = tmp_path / "t.typ"
    template.write_text(f'#set text(font: "{family}")\n#json("data.json")', "utf-8")
    pdf = typeset(template, f"王{RARE}")
    page = pypdf.PdfReader(io.BytesIO(pdf)).pages[0]
    assert page.extract_text().strip() == f"王{RARE}"
    fonts = page["/Resources"]["/Font"].values()
    names = {str(font.get_object()["/BaseFont"]) for font in fonts}
    assert len(names) == 1 and family.replace(" ", "") in names.pop()
    grey = pypdfium2.PdfDocument(pdf)[0].render(scale=2).to_pil().convert("L")
    assert grey.getextrema()[0] < 64


def test_a_picture_has_the_size_that_it_says_and_its_words():
    def dark(words: str) -> tuple[tuple[int, int], int]:
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" width="144pt" height="72pt" viewBox="0 0 144 72"'
            f' font-family="No Such Font, Noto Sans SC"><text x="20" y="40">{words}</text></svg>'
        )
        grey = Image.open(io.BytesIO(svg_to_png(svg, ppi=100))).convert("L")
        return grey.size, sum(grey.histogram()[:100])

    size, ink = dark("覆盖率")
    assert size == (200, 100) and ink > 100
    assert dark("")[1] == 0
