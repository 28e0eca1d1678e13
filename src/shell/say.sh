# How the scripts print what may hold a secret: with a builtin, because the arguments of a program are visible to all.

# mksh has no printf of its own
case $KSH_VERSION in
  *MIRBSD* | *LEGACY*) say() { print -r -- "$1"; } ;;
  *) say() { printf '%s\n' "$1"; } ;;
esac

# Says why the daemon gave no answer.
explain_absence() {
  case $failure in
    forbidden)
      error='you may not use the orgkey daemon of this machine'
      hint="ask its administrator to add you to the group of $answer"
      ;;
    silence)
      error='the orgkey daemon hangs: it has not answered for 10 seconds'
      hint='restart it: orgkey service restart'
      ;;
    *)
      error='the orgkey daemon does not answer'
      hint='start it: orgkey service start'
      ;;
  esac
}
