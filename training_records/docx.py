"""Office documents (DOCX): A4, headings, tables with repeating header rows, page numbers."""

from __future__ import annotations

import io

from docx import Document
from docx.document import Document as DocxDocument
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.section import Section
from docx.shared import Cm, Pt


def new_document(title: str) -> DocxDocument:
    """An empty A4 document with page numbers."""
    document = Document()
    document.core_properties.title, document.core_properties.author = title, ""
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(2)
    style = document.styles["Normal"]
    style.font.name, style.font.size = "Times New Roman", Pt(10.5)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), "宋体")
    _page_numbers(section)
    return document


def saved(document: DocxDocument) -> bytes:
    """Serialises the document."""
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def heading(
    document: DocxDocument, text: str, size: int = 13, *, align: WD_ALIGN_PARAGRAPH | None = None
) -> None:
    """Adds a heading that is kept with the next paragraph."""
    paragraph = document.add_paragraph()
    if align is not None:
        paragraph.alignment = align
    paragraph.paragraph_format.space_before, paragraph.paragraph_format.space_after = Pt(10), Pt(4)
    paragraph.paragraph_format.keep_with_next = True
    run = paragraph.add_run(text)
    run.bold, run.font.size = True, Pt(size)


def table(
    document: DocxDocument,
    heads: list[str],
    rows: list[list[str]],
    *,
    widths: tuple[float, ...],
    least: float = 0,
) -> None:
    """Adds a table whose header row repeats on each page; there is none if `heads` is empty. `widths`: column widths in
    cm. `least`: row height in cm, for cells to be filled in by hand."""
    grid = document.add_table(rows=0, cols=len(widths), style="Table Grid")
    for row in [heads, *rows] if heads else rows:
        line = grid.add_row()
        if least:
            line.height = Cm(least)
        cells = line.cells
        for cell, text, width in zip(cells, row, widths, strict=True):
            cell.text, cell.width = text, Cm(width)
            if row is heads:
                cell.paragraphs[0].runs[0].bold = True
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = Cm(width)
    if heads:
        repeat = OxmlElement("w:tblHeader")
        grid.rows[0]._tr.get_or_add_trPr().append(repeat)


def _page_numbers(section: Section) -> None:
    paragraph = section.footer.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for before, field in (("第 ", "PAGE"), (" 页 / 共 ", "NUMPAGES")):
        paragraph.add_run(before)
        element = OxmlElement("w:fldSimple")
        element.set(qn("w:instr"), field)
        paragraph._p.append(element)
    paragraph.add_run(" 页")
