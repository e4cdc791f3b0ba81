"""The pages say what is so: their Python blocks run; the site knows each page and its links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
RUN = ("tutorial", "inspection")  # pages whose blocks belong together; others show pieces


@pytest.mark.parametrize("name", RUN)
def test_blocks_run(name: str, tmp_path, monkeypatch) -> None:
    """The blocks of a page as one file: what is traced needs its source."""
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert blocks
    path = tmp_path / f"{name}.py"
    path.write_text("\n\n".join(blocks), encoding="utf-8")
    exec(compile(path.read_text(), str(path), "exec"), {"__name__": name})


def test_every_page_is_on_the_site() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    for page in PAGES:
        assert page.stem == "index" or re.search(rf"^{page.stem}$", index, re.MULTILINE), page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (DOCS / target).exists(), f"{page.name} links to {target}"
