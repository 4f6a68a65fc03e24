#!/bin/sh
# Collects the product's wheel and every wheel it needs into build/bundle, for a machine without a network.
# Usage: sh tools/bundle.sh [PYTHON]   (make bundle calls it; build it where Python and machine are the same)
set -eu
python=${1:-.venv/bin/python}
target=build/bundle
rm -rf "$target" && mkdir -p "$target/wheels"
git archive --format=tar HEAD deploy constraints.txt | gzip -9 >"$target/deploy.tar.gz"
# Built from what is committed, away from what earlier builds left in build/lib.
code=$(mktemp -d)
trap 'rm -rf "$code"' EXIT
git archive --format=tar HEAD | tar -xf - -C "$code"
"$python" -m pip wheel --quiet --only-binary :all: \
  -c constraints.txt --wheel-dir "$target/wheels" "$code"
"$(dirname "$python")/cyclonedx-py" requirements constraints.txt --of JSON -o "$target/sbom.cdx.json" >/dev/null
cat >"$target/install.sh" <<'INSTALL'
#!/bin/sh
# Installs into a folder without a network: sh install.sh /srv/academy
set -eu
[ $# -eq 1 ] || { echo "用法：sh install.sh /srv/academy" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
(cd "$here" && sha256sum --quiet -c SHA256SUMS) || { echo "文件不全或坏了，请重新拷" >&2; exit 1; }
mkdir -p "$1" && tar -xzf "$here/deploy.tar.gz" -C "$1" && cd "$1"
# Earlier bundles unpacked the code here, where `python -m` would find it before the installed one.
rm -rf exam_app question_bank training_records
[ -x .venv/bin/python ] || python3 -m venv .venv
pip() { .venv/bin/python -m pip install --quiet --no-index "$@"; }
pip --find-links "$here/wheels" -c constraints.txt child-director-academy
# The version number stays the same from bundle to bundle.
pip --no-deps --force-reinstall "$here"/wheels/child_director_academy-*.whl
echo "装好了：$1。接着看 deploy/README.md 的“安装”第 4 步" >&2
INSTALL
(cd "$target" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS)
echo "离线安装包在 $target($(du -sh "$target" | cut -f1))" >&2
