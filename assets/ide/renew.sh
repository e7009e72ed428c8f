#!/bin/sh
# Fetches the vendored files of this folder again from their npm packages and packs them the way the server wants them:
# no source map comments, gzip -9, no time stamp, so that the same versions give the same bytes.
# Needs npm, tar, sed and gzip. Run it from anywhere: sh assets/ide/renew.sh
set -eu

PLAYGROUND=graphql-playground-react@1.7.28
GRAPHIQL=graphiql@4.1.2
REACT=react@18.3.1
REACT_DOM=react-dom@18.3.1

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# unpack NAME@VERSION FOLDER
unpack() {
    mkdir "$work/$2"
    (cd "$work" && tar -xzf "$(npm pack --silent "$1" | tail -n 1)" -C "$2" --strip-components=1)
}

# pack FROM TO: drops the source map comment and writes TO.gz
pack() {
    sed -e '/^\/\/# sourceMappingURL=.*$/d' -e '/^\/\*# sourceMappingURL=.*\*\/$/d' "$work/$1" | gzip -9 -n > "$here/$2.gz"
}

unpack "$PLAYGROUND" playground
pack playground/build/static/js/middleware.js playground.js
pack playground/build/static/css/middleware.css playground.css
cp "$work/playground/build/favicon.png" "$here/favicon.png"
cp "$work/playground/LICENSE" "$here/LICENSE-playground.txt"

unpack "$GRAPHIQL" graphiql
pack graphiql/graphiql.min.js graphiql.js
pack graphiql/graphiql.min.css graphiql.css
cp "$work/graphiql/LICENSE" "$here/LICENSE-graphiql.txt"

unpack "$REACT" react
pack react/umd/react.production.min.js react.js
cp "$work/react/LICENSE" "$here/LICENSE-react.txt"

unpack "$REACT_DOM" react-dom
pack react-dom/umd/react-dom.production.min.js react-dom.js
cp "$work/react-dom/LICENSE" "$here/LICENSE-react-dom.txt"

chmod 644 "$here"/*.gz "$here"/*.png "$here"/LICENSE-*
