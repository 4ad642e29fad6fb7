#!/bin/sh
# The browser tests need Chromium, and on Linux a font with Chinese characters.
set -eu

MAC_CHROME="/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"

has_browser() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        if command -v "$name" >/dev/null 2>&1; then return 0; fi
    done
    test -x "$MAC_CHROME"
}

has_chinese_font() {
    if [ "$(uname -s)" != Linux ]; then return 0; fi
    command -v fc-list >/dev/null 2>&1 && [ -n "$(fc-list :lang=zh-cn family)" ]
}

missing=""
has_browser || missing="chromium"
has_chinese_font || missing="$missing fonts-noto-cjk"
if [ -z "$missing" ]; then exit 0; fi

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing what the browser tests need: $missing"
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    hash -r
    has_browser && has_chinese_font && exit 0
    echo "The packages are installed, but Chromium or a Chinese font is still not found." >&2
    exit 1
fi

cat >&2 <<TEXT
The browser tests need what this machine lacks: $missing
  Debian, Ubuntu   sudo apt-get install chromium fonts-noto-cjk
  Fedora           sudo dnf install chromium google-noto-sans-cjk-fonts
  macOS            brew install --cask google-chrome
Then run "make test" again.
TEXT
exit 1
