#!/usr/bin/env bash
# packages.sh NAME…: installs the Debian packages that are missing.
. "$(dirname "$0")/lib.sh"
need_packages "$@"
