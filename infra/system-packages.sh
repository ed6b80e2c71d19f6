#!/usr/bin/env bash
# System packages the tests use where they are missing. The product itself needs none of them for `make demo`.
#   postgresql  a throw-away server for the tests of triggers and locks
#   openssl     verifying CMS signatures
set -euo pipefail
missing=()
command -v openssl >/dev/null || missing+=(openssl)
{ command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; } || missing+=(postgresql)
if [ "${#missing[@]}" -gt 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
