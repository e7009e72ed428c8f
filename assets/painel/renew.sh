#!/bin/sh
# Fetches the vendored files of this folder again from their npm package and packs them the way the server wants them.
# Needs npm, tar and gzip. Run it from anywhere: sh assets/painel/renew.sh
set -eu

UPLOT=uplot@1.6.32

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$work" && tar -xzf "$(npm pack --silent "$UPLOT" | tail -n 1)" --strip-components=1)
gzip -9 -n < "$work/dist/uPlot.iife.min.js" > "$here/uplot.js.gz"
cp "$work/dist/uPlot.min.css" "$here/uplot.css"
cp "$work/LICENSE" "$here/LICENSE-uplot.txt"
chmod 644 "$here/uplot.js.gz" "$here/uplot.css" "$here/LICENSE-uplot.txt"
