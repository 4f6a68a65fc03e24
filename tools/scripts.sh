#!/bin/sh
# Types and rules of the scripts in exam_app/static, where node and what package.json names are there (npm ci).
set -eu
if command -v node >/dev/null && [ -d node_modules/typescript ] && [ -d node_modules/eslint ]; then
  node node_modules/typescript/bin/tsc
  node node_modules/eslint/bin/eslint.js exam_app/static
elif [ "${CI:-}" = true ]; then
  echo "node, or what package.json names, is missing: npm ci" >&2
  exit 1
else
  echo "scripts not checked: node, or what package.json names, is missing (npm ci)"
fi
