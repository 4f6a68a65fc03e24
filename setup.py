"""Puts the sources of the knowledge base into the package: in a checkout they lie on top."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithSources(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "exam_app", "kb", "source")
            unpublished = shutil.ignore_patterns("screens", "decisions")
            shutil.copytree("docs", target / "docs", ignore=unpublished, dirs_exist_ok=True)
            shutil.copy("mkdocs.yml", target)


setup(cmdclass={"build_py": BuildWithSources})
