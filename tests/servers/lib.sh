# lib.sh: what the scripts of this folder share; sourced, never run.
# Each script NAME.sh takes start or stop. start installs what is missing, starts a throw-away server on 127.0.0.1 and
# prints KEY=VALUE lines for the tests on standard output; everything for people goes to standard error. stop ends only
# the processes that start recorded and removes their data. TEST_SERVERS_DIR moves all of it.

set -euo pipefail
umask 022
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
# Debian's own python first: its services are Python packages that another python3 on the PATH would not see.
export PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/bin
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV

NAME=$(basename "$0" .sh)
DIR=${TEST_SERVERS_DIR:-${TMPDIR:-/tmp}/strongroom-test-servers}/$NAME

say() { printf '%s: %s\n' "$NAME" "$*" >&2; }
die() { say "$*"; exit 1; }

need_root() { [ "$(id -u)" = 0 ] || die "must run as root"; }

# need_packages NAME…: installs those that are missing, and says which. No package may start a daemon.
need_packages() {
    local package missing=()
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    need_root
    say "installing Debian packages: ${missing[*]}"
    local policy=/usr/sbin/policy-rc.d made='' code=0
    if [ ! -e $policy ]; then printf '#!/bin/sh\nexit 101\n' >$policy; chmod 755 $policy; made=1; fi
    install_packages "${missing[@]}" || { apt-get -qq update >&2 && install_packages "${missing[@]}"; } || code=1
    [ -z "$made" ] || rm -f $policy
    [ $code = 0 ] || die "could not install: ${missing[*]}"
}
install_packages() {
    apt-get -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 -qq install -y --no-install-recommends "$@" >/dev/null 2>&1
}

# A process is recorded as 'pid start-time', so that a pid the kernel gave to another program is never signalled.
start_time() { awk '{sub(/^.*\) /,""); print $20}' "/proc/$1/stat" 2>/dev/null || true; }
state_of() { awk '{sub(/^.*\) /,""); print $1}' "/proc/$1/stat" 2>/dev/null || true; }

# alive PROCESS: is what spawn recorded under that name still running?
alive() {
    local pid started
    read -r pid started 2>/dev/null <"$DIR/run/$1" || return 1
    [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ] && [ "$(state_of "$pid")" != Z ]
}

record() { # record PROCESS PID
    mkdir -p "$DIR/run"
    printf '%s %s\n' "$2" "$(start_time "$2")" >"$DIR/run/$1"
    printf '%s\n' "$1" >>"$DIR/order"
}

# spawn PROCESS [-u USER] -- COMMAND…: starts it in a session of its own, with its output in a log.
spawn() {
    local process=$1 user=''
    shift
    if [ "$1" = -u ]; then user=$2; shift 2; fi
    shift
    mkdir -p "$DIR/run" "$DIR/log"
    local command=("$@")
    [ -z "$user" ] || command=(setpriv --reuid="$user" --regid="$(id -gn "$user")" --init-groups "${command[@]}")
    setsid "${command[@]}" </dev/null >>"$DIR/log/$process.log" 2>&1 &
    record "$process" $!
}

# wait_until SECONDS WHAT COMMAND…: polls the command; shows the logs when the time is over or a process ended.
wait_until() {
    local end=$(($(date +%s) + $1)) what=$2 process
    shift 2
    until "$@" >/dev/null 2>&1; do
        local dead=''
        for process in "$DIR"/run/*; do
            [ ! -f "$process" ] || alive "$(basename "$process")" || dead="$dead $(basename "$process")"
        done
        if [ -n "$dead" ] || [ "$(date +%s)" -ge "$end" ]; then
            say "gave up waiting for $what${dead:+; ended:$dead}"
            tail -n 20 "$DIR"/log/*.log >&2 || true
            return 1
        fi
        sleep 0.2
    done
}

# free_port FIRST: the first port from FIRST on that nobody listens on.
free_port() {
    local port=$1
    while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
    echo "$port"
}

stop_recorded() {
    local process pid started
    if [ -f "$DIR/order" ]; then
        while read -r process; do
            alive "$process" || continue
            read -r pid started <"$DIR/run/$process"
            kill -s "${STOP_SIGNAL:-TERM}" -- "-$pid" 2>/dev/null || kill -s "${STOP_SIGNAL:-TERM}" "$pid" 2>/dev/null || true
            for _ in $(seq 100); do alive "$process" || break; sleep 0.1; done
            kill -KILL -- "-$pid" 2>/dev/null || true
        done < <(tac "$DIR/order")
    fi
}

prepare() {
    [ ! -e "$DIR" ] || [ -f "$DIR/.made-by-tests" ] || die "$DIR exists and was not made by this script"
    mkdir -p "$DIR/run" "$DIR/log"
    touch "$DIR/.made-by-tests"
    chmod 755 "$DIR"
}
discard() { [ ! -f "$DIR/.made-by-tests" ] || rm -rf --one-file-system -- "$DIR"; }

main() {
    case ${1:-} in
        start) do_start ;;
        stop) stop_recorded; discard ;;
        *) die "start or stop" ;;
    esac
}
