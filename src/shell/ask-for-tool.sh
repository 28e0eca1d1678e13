# How the scripts of tools ask the daemon for the credential of a feed or of the REST interface.

nl='
'

# Beside a socket in a directory that a container mounts, that socket is meant.
[ -S "${script%/*}/git.sock" ] && ORGKEY_RUNTIME_DIR=${script%/*} ORGKEY_NO_START=1

# Sets `address` and `host` without user, query and fragment. Fails without HTTPS: no credential goes over plain HTTP.
read_address() {
  address=${1%%[?#]*}
  case $address in
    *"$nl"*) return 1 ;;
    [Hh][Tt][Tt][Pp][Ss]://?*) ;;
    *) return 1 ;;
  esac
  address=${address#*://}
  host=${address%%/*}
  address=${address#"$host"}
  host=${host##*@}
  address=https://$host$address
}

# Whether an address is one of Azure DevOps Services: then the daemon is started for it. Others may be those of a server.
is_of_services() {
  case ${host%:443} in
    [Dd][Ee][Vv].[Aa][Zz][Uu][Rr][Ee].[Cc][Oo][Mm] | *.[Dd][Ee][Vv].[Aa][Zz][Uu][Rr][Ee].[Cc][Oo][Mm])
      # without an organization the daemon has nothing
      case ${address#https://"$host"} in /[!/]*) ;; *) return 2 ;; esac
      ;;
    *?.[Vv][Ii][Ss][Uu][Aa][Ll][Ss][Tt][Uu][Dd][Ii][Oo].[Cc][Oo][Mm]) ;;
    *) return 1 ;;
  esac
}

# Sets `value` to that of a line of the answer, or to an empty text.
value_of() {
  value=
  case $answer in *"$nl$1="*) ;; *) return 1 ;; esac
  value=${answer#*"$nl$1="}
  value=${value%%"$nl"*}
}

# Asks for a credential: the tool, the address, `header` or `password`, further lines of the request. Returns 0 with it
# in `answer`, 1 if another helper may have it, and 2 if it cannot be given. `error` and `hint` say why, and may be empty.
ask_for_tool() {
  error= hint= answer=
  read_address "$2" || return 1
  request="tool=$1${nl}address=$address${nl}explain=1$nl$4"
  [ "$3" = header ] && request="${request}capability[]=authtype$nl"
  is_of_services
  case $? in
    0) ask_or_start get "$request" || { explain_absence; return 2; } ;;
    1) ask_daemon get "$request" || return 1 ;;
    *) return 1 ;;
  esac
  value_of orgkey-uncovered && {
    error="$value is not configured, so orgkey has no credential for it"
    hint="run: orgkey org add $value"
    return 1
  }
  value_of orgkey-error && {
    error=$value
    value_of orgkey-hint
    hint=$value
    return 2
  }
  value_of password || value_of credential
}

# Says on stderr why the credential is missing, if there is a reason.
complain() {
  [ -z "$error" ] || say "orgkey: error: $error" >&2
  [ -z "$hint" ] || say "orgkey: hint: $hint" >&2
}

# Sets `header` to the value of an Authorization header. Both its parts are of one word.
read_header() {
  value_of authtype
  header=$value
  value_of credential
  header="$header $value"
  case $header in *' '*[!A-Za-z0-9._~+/=-]*) error='the credential cannot be sent in a header'; return 1 ;; esac
}
