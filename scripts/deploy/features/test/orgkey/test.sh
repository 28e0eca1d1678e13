#!/bin/bash
# Runs in the container, by `devcontainer features test`. The host needs no daemon for it.
set -e
. dev-container-features-test-lib
check 'git reads the settings beside the socket' sh -c 'git config --get-all include.path | grep -qx /run/orgkey/gitconfig'
check 'so does git without the variables' sh -c 'env -u GIT_CONFIG_COUNT git config --system include.path | grep -qx /run/orgkey/gitconfig'
check 'the mount is read-only' sh -c '! touch /run/orgkey/new 2>/dev/null'
reportResults
