#!/usr/bin/env bash
# postgres.sh start|stop: a throw-away PostgreSQL on 127.0.0.1 (Debian's package, about a second to start).
# Prints STRONGROOM_TEST_POSTGRES, an Npgsql connection string of a role that may create databases.
. "$(dirname "$0")/lib.sh"

as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
ready() { PGPASSWORD=strongroom psql -qAt -h 127.0.0.1 -p "$port" -U strongroom -d postgres -c 'select 1'; }

do_start() {
    need_root
    need_packages postgresql postgresql-client
    local bin
    bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    prepare
    install -d -o postgres -g postgres -m 700 "$DIR/data" "$DIR/socket"
    printf strongroom >"$DIR/password"
    chown postgres "$DIR/password"
    as_postgres "$bin/initdb" -D "$DIR/data" -U strongroom --pwfile="$DIR/password" -A scram-sha-256 -E UTF8 \
        --locale=C.UTF-8 -N >"$DIR/log/initdb.log" 2>&1 || { cat "$DIR/log/initdb.log" >&2; die "initdb failed"; }
    port=$(free_port 55432)
    # Durability is the database's own promise and not what these tests are about: fsync off makes them quick.
    spawn postgres -u postgres -- "$bin/postgres" -D "$DIR/data" -p "$port" -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories="$DIR/socket" -c max_connections=300 -c fsync=off
    wait_until 30 "PostgreSQL" ready
    echo "STRONGROOM_TEST_POSTGRES=Host=127.0.0.1;Port=$port;Username=strongroom;Password=strongroom;Database=postgres"
}

STOP_SIGNAL=INT # PostgreSQL's fast stop: open sessions do not hold it up
main "$@"
