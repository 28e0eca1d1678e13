# For with-systemd-user and with-systemd-system, which run a systemd that must not see the machine: a manager that sees
# the machine's cgroups moves foreign processes between them. So the script exits 77 with the reason, before it mounts
# or unmounts anything, if anything looks wrong.

cannot() {
  printf '%s: cannot be sealed here: %s\n' "${0##*/}" "$1" >&2
  exit 77
}

need_root() {
  [ "$(id -u)" = 0 ] || cannot 'only root can make the namespaces'
}

need_programs() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || cannot "there is no $program"
  done
  [ -x /lib/systemd/systemd ] || cannot 'there is no systemd'
}

# usage: make_leaf: sets `leaf`, our own cgroup2, which is removed with all its processes when we end
make_leaf() {
  local mountpoint
  mountpoint=$(findmnt -t cgroup2 -n -o TARGET | head -n 1)
  [ -n "$mountpoint" ] || cannot 'cgroup2 is not mounted'
  # Left by one that was killed: it can be removed only once it is empty
  for leaf in "$mountpoint"/orgkey-test-*; do
    [ -d "/proc/${leaf##*-}" ] || find "$leaf" -depth -type d -exec rmdir {} \; 2>/dev/null || true
  done
  leaf=$mountpoint/orgkey-test-$$
  mkdir "$leaf" 2>/dev/null || cannot "no cgroup can be made in $mountpoint"
  [ -w "$leaf/cgroup.kill" ] || { rmdir "$leaf"; cannot 'what is in a cgroup cannot be ended (cgroup.kill)'; }
  # A signal to this script ends the manager too, which would not notice otherwise
  trap 'clean_up; exit 143' TERM INT HUP
}

# Only what was started here is in the leaf
clean_up() {
  local attempt
  [ -z "${scratch:-}" ] || rm -rf "$scratch"
  echo 1 > "$leaf/cgroup.kill" 2>/dev/null || true
  for attempt in {1..40}; do
    find "$leaf" -depth -type d -exec rmdir {} \; 2>/dev/null || true
    [ -d "$leaf" ] || return 0
    sleep 0.1
  done
  printf '%s: left over: %s, with the processes: %s\n' "${0##*/}" "$leaf" "$(tr '\n' ' ' < "$leaf/cgroup.procs")" >&2
}

# Ours: `mnt:[4026531841] pid:[…]`
namespaces() {
  local kind
  for kind in $kinds; do
    readlink "/proc/self/ns/$kind" || cannot "our $kind namespace is unreadable"
  done
}

# usage: check_namespaces THEIRS, what `namespaces` said outside
check_namespaces() {
  local kind mine
  for kind in $kinds; do
    mine=$(readlink "/proc/self/ns/$kind") || cannot "our $kind namespace is unreadable"
    [[ $mine = "$kind:["*] && $1 = *"$kind:["* ]] || cannot "the $kind namespace is unreadable"
    [[ $1 != *"$mine"* ]] || cannot "the $kind namespace is shared"
  done
  grep -qx '0::/' /proc/self/cgroup || cannot 'this is not at the root of a cgroup of its own'
}

# usage: mount_cgroups DIRECTORY: only the leaf, which contains only our processes
mount_cgroups() {
  local pid
  mount -n -t cgroup2 cgroup2 "$1" || cannot 'cgroup2 cannot be mounted'
  while read -r pid; do
    [ "$pid" = $$ ] || cannot "there is a foreign process $pid in the cgroup"
  done < "$1/cgroup.procs"
}
