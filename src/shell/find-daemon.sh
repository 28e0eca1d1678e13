# How both scripts find the daemon, and start it. In a checkout they read this file; the build puts it into them.

# Another user could listen in a directory that they made: it must be ours or root's, and not a link.
trusted() {
  [ -d "$1" ] && ! [ -L "$1" ] || return 1
  [ -O "$1" ] && return 0
  # mode, links, owner
  set -- $(ls -ldn "$1" 2>/dev/null)
  [ "$3" = 0 ]
}

# Sets `socket`: in the first directory that has one. Every part of orgkey looks in this order.
find_socket() {
  socket=$ORGKEY_RUNTIME_DIR/git.sock
  # the user who sets the variable trusts the directory
  [ -n "$ORGKEY_RUNTIME_DIR" ] && [ -S "$socket" ] && return
  if [ -n "$XDG_RUNTIME_DIR" ] && [ -S "$XDG_RUNTIME_DIR/orgkey/git.sock" ] && trusted "$XDG_RUNTIME_DIR/orgkey"; then
    socket=$XDG_RUNTIME_DIR/orgkey/git.sock
    return
  fi
  user=${UID:-$(id -u)}
  for directory in "/run/user/$user/orgkey" /run/orgkey "${TMPDIR:-/tmp}/orgkey-$user"; do
    if [ -S "$directory/git.sock" ] && trusted "$directory"; then
      socket=$directory/git.sock
      return
    fi
  done
  return 1
}

# Sets `orgkey`: the command next to the script, installed or in a checkout. Never one from the PATH.
find_orgkey() {
  here=${script%/*}
  for orgkey in "$here/orgkey" "$here/orgkey.cjs" "$here/../../scripts/orgkey"; do
    # in a checkout the program next to it is not built
    case $orgkey in *.cjs) [ -e "$here/main.js" ] || continue ;; esac
    [ -x "$orgkey" ] && return 0
  done
  return 1
}

# Fails if the daemon was started but has ended: then it is useless to wait for it again.
start_service() {
  [ -z "$ORGKEY_NO_START" ] && find_orgkey || return 0
  "$orgkey" service start >/dev/null 2>&1 </dev/null
  [ $? != 1 ]
}
