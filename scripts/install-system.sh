#!/bin/sh
# Installs what `npm run build` has made:
#   npm run install-system -- --prefix DIR     (default /usr/local)
# See packaging/install.sh, and packaging/files for what goes where.
exec sh "$(dirname "$0")/../packaging/install.sh" "$@"
