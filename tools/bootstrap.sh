#!/bin/sh
# Creates .venv and installs the pinned dependencies; names the Debian package for what is missing.
# Usage: sh tools/bootstrap.sh [PYTHON] [PROJECT or '.[dev]']   (make calls it; it also works without make)
set -u
python=${1:-python3}
what=${2:-.}
say() { printf '%s\n' "$*" >&2; }

command -v make >/dev/null 2>&1 || say "提示：本机没有 make，可以安装：apt install make"
if ! command -v "$python" >/dev/null 2>&1; then
  say "没有找到 $python。请先安装：apt install python3 python3-venv"; exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  say "需要 Python 3.11 或更新的版本，现在是 $("$python" -V 2>&1)。Debian 12 起自带，请安装：apt install python3"; exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
  say "这个 Python 缺少 venv。请先安装：apt install python3-venv"; exit 1
fi
[ -x .venv/bin/python ] || "$python" -m venv .venv || {
  say "虚拟环境 .venv 没有建成，请看上面的原因（常见：磁盘满；缺 python3-venv）。"; exit 1; }

say "正在安装依赖（第一次约一两分钟）……"
log=$(mktemp)
# Wheels only, so that no compiler is needed.
if ! .venv/bin/python -m pip install --quiet --only-binary :all: \
     -c constraints.txt -e "$what" >"$log" 2>&1; then
  grep -vE "^ *(WARNING|DEPRECATION)" "$log" | tail -n 15 >&2
  if grep -qiE 'no matching distribution|could not find a version|resolutionimpossible|failed building wheel' "$log"; then
    missing=$(grep -oiE 'requirement [A-Za-z0-9._-]+' "$log" | head -n 1 | cut -d' ' -f2)
    say "没有适合本机（Python $("$python" -V 2>&1 | cut -d' ' -f2)，$(uname -m)）的现成安装包：${missing:-见上文}。"
    say "可以换用 Debian 12 自带的 Python 3.11；或安装编译工具后再试：apt install build-essential python3-dev,"
    say "然后运行：.venv/bin/python -m pip install -c constraints.txt -e '$what'"
  else
    say "依赖没有装好。多半是网络中断或磁盘已满，处理后再运行一次同样的命令即可，已下载的不会丢。"
  fi
  rm -f "$log"; exit 1
fi
rm -f "$log"
