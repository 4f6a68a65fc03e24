"""`python -m exam_app` runs `academy`."""

from exam_app.cli import main

main()
