"""Training coverage (培训覆盖率): what it means, running figures of all divisions, years that are closed."""
