# How the scripts find the daemon, ask it and start it. In a checkout they read this file; the build puts it into them.

# Enters a directory with a socket. It must be ours or root's, and not a link: another user could have made it to listen
# there. They can also exchange it, so all checks that count look at what was entered, and never again at its name.
enter_trusted() {
  [ -S "$1/git.sock" ] && ! [ -L "$1" ] && CDPATH= cd -P -- "$1" || return 1
  # a link that replaced it meanwhile leads to another name
  [ "${PWD##*/}" = "${1##*/}" ] && [ -S git.sock ] || return 1
  [ -O . ] && return 0
  # mode, links, owner
  set -- $(ls -ldn .)
  [ "$3" = 0 ]
}

# Enters the first directory that has a socket, in a subshell. Every part of orgkey looks in this order.
enter_runtime_directory() {
  # the user who sets the variable trusts the directory
  [ -n "$ORGKEY_RUNTIME_DIR" ] && [ -S "$ORGKEY_RUNTIME_DIR/git.sock" ] && CDPATH= cd -P -- "$ORGKEY_RUNTIME_DIR" && return
  [ -n "$XDG_RUNTIME_DIR" ] && enter_trusted "$XDG_RUNTIME_DIR/orgkey" && return
  user=${UID:-$(id -u)}
  for directory in "/run/user/$user/orgkey" /run/orgkey "${TMPDIR:-/tmp}/orgkey-$user" "/tmp/orgkey-$user"; do
    enter_trusted "$directory" && return
  done
  # where services noted that they were started, with other variables than ours
  note=${ORGKEY_STATE_DIR:-${XDG_STATE_HOME:-$HOME/.local/state}/orgkey}/runtime-directory
  # never a FIFO, whose reader waits
  [ -f "$note" ] && [ -r "$note" ] && while IFS= read -r directory; do
    enter_trusted "$directory" && return
  done <"$note"
  return 1
}

# Prints the answer of git's own cache client, which connects by a relative name. Fails with 1 without a daemon, with 2
# if we may not use its socket, whose path is printed, and with 3 after 10 seconds of silence. In a subshell.
run_client() {
  exec 2>/dev/null
  enter_runtime_directory || return 1
  [ -w git.sock ] || { printf '%s' "$PWD/git.sock"; return 2; }
  # exec: some shells would run it below a process of their own, and then only that could be ended
  exec git credential-cache --socket=git.sock "$1" <<END &
$2
END
  client=$!
  # a daemon that hangs still accepts connections; the timer runs beside the client and delays nothing
  (
    # $! is the client until there is a timer
    trap '[ "$!" = "$client" ] || kill "$!"; exit' TERM
    sleep 10 &
    wait "$!" && kill "$client"
  ) >/dev/null &
  limit=$!
  trap 'kill "$client" "$limit"; exit 130' INT TERM HUP
  wait "$client"
  ended=$?
  kill "$limit"
  [ "$ended" -le 128 ] || return 3
}

# Sets `answer` to the daemon's, or fails and sets `failure` to the reason.
ask_daemon() {
  answer=$(run_client "$1" "$2")
  case $?$answer in
    0orgkey=1*) return 0 ;;
    2*) failure=forbidden ;;
    3*) failure=silence ;;
    *) failure=absence ;;
  esac
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

# Asks the daemon, and starts it if it does not run.
ask_or_start() {
  ask_daemon "$1" "$2" || { [ "$failure" = absence ] && start_service && ask_daemon "$1" "$2"; }
}
