#!/bin/sh
# Collects the code and every wheel it needs into build/bundle, for a machine without a network.
# Usage: sh tools/bundle.sh [PYTHON]   (make bundle calls it; build it where Python and machine are the same)
set -eu
python=${1:-.venv/bin/python}
target=build/bundle
rm -rf "$target" && mkdir -p "$target/wheels"
git archive --format=tar HEAD | gzip -9 >"$target/academy.tar.gz"
"$python" -m pip wheel --quiet --only-binary :all: --no-binary jieba,fontmeta \
  -c constraints.txt --wheel-dir "$target/wheels" . 'setuptools>=77' wheel
# The code itself is installed from its folder, so that templates and facts lie where they are looked for.
rm -f "$target"/wheels/child_director_academy-*.whl
"$(dirname "$python")/cyclonedx-py" requirements constraints.txt --of JSON -o "$target/sbom.cdx.json" >/dev/null
cat >"$target/install.sh" <<'INSTALL'
#!/bin/sh
# Installs into a folder without a network: sh install.sh /srv/academy
set -eu
[ $# -eq 1 ] || { echo "用法:sh install.sh /srv/academy" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
(cd "$here" && sha256sum --quiet -c SHA256SUMS) || { echo "文件不全或坏了,请重新拷" >&2; exit 1; }
mkdir -p "$1" && tar -xzf "$here/academy.tar.gz" -C "$1" && cd "$1"
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/python -m pip install --quiet --no-index --find-links "$here/wheels" -c constraints.txt -e .
touch .venv/.run
echo "装好了:$1。接着看 deploy/README.md 的“安装”第 4 步" >&2
INSTALL
(cd "$target" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS)
echo "离线安装包在 $target($(du -sh "$target" | cut -f1))" >&2
