"""`python -m exam_app` is `academy`."""

from exam_app.cli import main

main()
