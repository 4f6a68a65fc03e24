"""Training coverage (培训覆盖率): its definition, running figures of all divisions, frozen years."""
