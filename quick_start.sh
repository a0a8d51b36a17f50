#!/usr/bin/env bash
# Installs Easel where it stands, once, and runs it. See `./quick_start.sh help`.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
    cat <<'END'
Easel, the Discord bot that paints.

  ./quick_start.sh                  the bot on Discord; without a token the sandbox, in your browser
  ./quick_start.sh sandbox          the sandbox: the bot in a simulated Discord, no token needed
  ./quick_start.sh imagine "a red apple" --seed 7 --out apple.png
  ./quick_start.sh serve            the image service: OpenAI's Images API and a page, at http://localhost:5001
  ./quick_start.sh models           the models: what they are good for, and which are here
  ./quick_start.sh history          what was painted
  ./quick_start.sh bench            how fast this machine paints
  ./quick_start.sh backup FOLDER    copies what is kept, also while the bot runs
  ./quick_start.sh test             format, lint, types and tests

`imagine --help` and the like tell the options. The first start installs everything into .venv, or into the conda
environment `easel` where there is one. EASEL_PYTHON=/path/to/python takes that Python as it is.
END
}

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "quick_start: $1"
    exit "${2:-1}"
}

fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# The Python of the conda environment named easel, or nothing.
conda_python() {
    command -v conda >/dev/null || return 0
    local folder
    folder=$(conda env list 2>/dev/null | awk '$1 == "easel" { sub(/^easel[ *]+/, ""); print; exit }')
    [ -n "$folder" ] && [ -x "$folder/bin/python" ] && printf '%s\n' "$folder/bin/python"
    return 0
}

# Makes .venv, with the first Python here that is new enough. One that broke off halfway is made anew.
make_venv() {
    "$root/.venv/bin/python" -m pip --version >/dev/null 2>&1 && fits "$root/.venv/bin/python" && return
    local found
    for found in python3 python3.13 python3.12 python3.11; do
        if command -v "$found" >/dev/null && fits "$found"; then
            say "Making .venv with $("$found" --version)."
            "$found" -m venv --clear "$root/.venv" || fail "the environment could not be made. \
On Debian and Ubuntu: sudo apt install python3-venv"
            return
        fi
    done
    fail "Easel needs Python 3.11 or newer, and this machine has $(python3 --version 2>/dev/null || echo none).
  Debian 12, Ubuntu 24.04 or newer:  sudo apt install python3 python3-venv
  elsewhere:                         conda create -n easel python=3.12
  another Python, as it is:          EASEL_PYTHON=/path/to/python ./quick_start.sh"
}

# Where nothing says otherwise, torch comes for CUDA, which is several GB. Without an NVIDIA GPU its makers' small
# build will do; a package source of the machine's own is left to decide by itself.
torch_source() {
    [ "$(uname -s)" = Linux ] && ! command -v nvidia-smi >/dev/null || return 0
    "$python" -m pip config list 2>/dev/null | grep -q 'index-url' && return 0
    local small=https://download.pytorch.org/whl/cpu
    "$python" -c "import urllib.request as u; u.urlopen('$small/torch/', timeout=5)" 2>/dev/null || return 0
    printf '%s\n' "--extra-index-url=$small"
}

# Installs what `$1` (the extras) needs, unless the same was done before.
install() {
    local folder stamp done_before
    folder=$("$python" -c 'import sys; print(sys.prefix)')
    stamp="$(cat "$root/pyproject.toml" "$root/constraints.txt" | cksum) $root"
    done_before=$(cat "$folder/easel-installed" 2>/dev/null || true)
    case "$done_before" in "$stamp $1" | "$stamp "*,dev) return ;; esac
    say "Installing Easel ($1) into $folder. The first time this takes a few minutes."
    # shellcheck disable=SC2046  # no word where there is nothing to add
    "$python" -m pip install --disable-pip-version-check --no-input $(torch_source) \
        -c "$root/constraints.txt" -e "$root[$1]" >&2 ||
        fail "the installation failed; what pip says stands above. Start again to go on from there.
  Behind a proxy, set https_proxy (and PIP_CERT where it has a certificate of its own)."
    printf '%s\n' "$stamp $1" >"$folder/easel-installed"
}

command=${1:-}
case "$command" in
help | -h | --help)
    usage
    exit
    ;;
"" | run | sandbox | imagine | serve | keys | models | history | backup | bench | test) ;;
*)
    usage >&2
    fail "there is no command '$command'." 2
    ;;
esac

# The first of these that is there: what the person names, conda's `easel`, .venv.
python=${EASEL_PYTHON:-}
[ -n "$python" ] || python=$(conda_python)
if [ -z "$python" ]; then
    make_venv
    python=$root/.venv/bin/python
elif ! fits "$python"; then
    fail "$python is not a Python of 3.11 or newer. Choose another with EASEL_PYTHON, or unset it for .venv."
fi

if [ "$command" = test ]; then
    install engine,service,sandbox,dev
    cd "$root"
    set -x
    "$python" -m ruff format --check .
    "$python" -m ruff check .
    "$python" -m mypy
    exec "$python" -m pytest "${@:2}"
fi

install engine,service,sandbox
export EASEL_CONFIG=${EASEL_CONFIG:-$root/config.toml}
case "$command" in
imagine | serve | keys | models | history | backup | bench) exec "$python" -m engine "$@" ;;
*) exec "$python" -m bot "$@" ;;
esac
