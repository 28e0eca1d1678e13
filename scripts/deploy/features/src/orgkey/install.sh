#!/bin/sh
# Runs as root while the container is built. Nothing of the host is there yet.
set -eu

if ! command -v git >/dev/null; then
  echo 'orgkey: error: the image has no git' >&2
  echo 'orgkey: hint: add the feature ghcr.io/devcontainers/features/git, or choose another image' >&2
  exit 1
fi

# For processes without the variables of the container, such as those of sudo. Git skips a missing file without a word
git config --system --replace-all include.path /run/orgkey/gitconfig '^/run/orgkey/gitconfig$'
if [ -n "${SAFEDIRECTORY:-}" ]; then
  git config --system --add safe.directory "$SAFEDIRECTORY"
fi

mkdir -p /usr/local/share/orgkey
cat > /usr/local/share/orgkey/check <<'END'
#!/bin/sh
# Runs each time the container starts: says what is missing on the host. Git works without it, and asks for a password.
if ! [ -r /run/orgkey/gitconfig ]; then
  echo 'orgkey: error: /run/orgkey has no gitconfig: the socket of the host is not there' >&2
  echo 'orgkey: hint: on the host, configure a scoped socket named devcontainer, then run: orgkey setup' >&2
elif ! [ -w /run/orgkey/git.sock ] && ! [ -w /run/orgkey/gateway.sock ]; then
  echo "orgkey: error: $(id -un) may not use the socket in /run/orgkey" >&2
  echo 'orgkey: hint: on the host, set the mode of the socket to "0666", then run: orgkey setup' >&2
fi
END
chmod 0755 /usr/local/share/orgkey/check
