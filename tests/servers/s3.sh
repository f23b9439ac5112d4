#!/usr/bin/env bash
# s3.sh start|stop: a throw-away S3 server on 127.0.0.1: Ceph's gateway over one monitor, one manager and one storage daemon
# in a sparse file (Debian's packages, about 70 MB; half a minute to start; about 800 MiB of memory).
# Prints STRONGROOM_TEST_S3, as ObjectStores.Testing/S3TestServer.cs reads it: an address and a pair of keys. The bucket is made
# by the tests. s3.sh pause|resume freezes and thaws the gateway, kill|revive ends it and starts it again on the same data,
# quota BYTES|-1 limits what the user may store.
. "$(dirname "$0")/lib.sh"

access_key=STRONGROOMTESTKEY001
secret_key=strongroom-secret-for-tests-only-0001
conf=$DIR/ceph.conf

# librados prefers this variable to what the configuration says.
unset CEPH_KEYRING
export CEPH_CONF=$conf
ceph_admin() { timeout 60 ceph --conf "$conf" --name client.admin --keyring "$DIR/admin.keyring" "$@"; }
gateway_admin() { timeout 60 radosgw-admin --conf "$conf" --name client.admin --keyring "$DIR/admin.keyring" "$@"; }

storage_is_up() { ceph_admin osd stat | grep -q '1 up'; }
gateway_is_up() { curl -fsS -m 5 "http://127.0.0.1:$(cat "$DIR/port")/" | grep -q ListAllMyBucketsResult; }

start_gateway() {
    spawn gateway -- radosgw -f --name client.rgw --conf "$conf" --keyring "$DIR/rgw.keyring"
    wait_until 60 "the gateway" gateway_is_up
}

write_configuration() { # FIRST-PORT: the gateway's; the next two are the monitor's, the daemons take what follows
    cat >"$conf" <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon_host = [v2:127.0.0.1:$(($1 + 1)),v1:127.0.0.1:$(($1 + 2))]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_port_min = $(($1 + 10))
ms_bind_port_max = $(($1 + 40))
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
mon_max_pg_per_osd = 1000
admin_socket = $DIR/sockets/\$name.\$pid.asok
run_dir = $DIR/sockets
crash_dir = $DIR/crash
log_file = /dev/null
mon_cluster_log_file = /dev/null
log_to_stderr = true
err_to_stderr = true
[mon]
mon_data = $DIR/mon
# The machine's disk may well be nearly full; this server's data is small and sparse.
mon_data_avail_warn = 3
mon_data_avail_crit = 2
mgr_initial_modules =
[mgr]
mgr_data = $DIR/mgr
mgr_initial_modules =
[osd]
osd_data = $DIR/osd
osd_objectstore = bluestore
bluestore_block_size = $((20 << 30))
bluestore_block_create = true
osd_memory_target = $((1 << 30))
osd_class_update_on_start = true
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:$1
rgw_data = $DIR/rgw
rgw_dns_name = s3.test
rgw_thread_pool_size = 64
rgw_user_quota_bucket_sync_interval = 5
rgw_bucket_quota_ttl = 2
CONF
}

make_keys() {
    local name
    ceph-authtool --create-keyring "$DIR/all.keyring" --gen-key -n mon. --cap mon 'allow *'
    ceph-authtool --create-keyring "$DIR/admin.keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
    ceph-authtool --create-keyring "$DIR/mgr/keyring" --gen-key -n mgr.x --cap mon 'allow profile mgr' --cap osd 'allow *'
    ceph-authtool --create-keyring "$DIR/rgw.keyring" --gen-key -n client.rgw --cap mon 'allow rw' --cap osd 'allow rwx'
    for name in admin.keyring mgr/keyring rgw.keyring; do
        ceph-authtool "$DIR/all.keyring" --import-keyring "$DIR/$name"
    done
}

make_storage() {
    local id
    id=$(cat /proc/sys/kernel/random/uuid)
    ceph_admin osd new "$id"
    ceph-osd -i 0 --conf "$conf" --mkfs --mkkey --osd-uuid "$id" --keyring "$DIR/osd/keyring" --no-mon-config
    ceph_admin auth add osd.0 osd 'allow *' mon 'allow profile osd' mgr 'allow profile osd' -i "$DIR/osd/keyring"
    ceph_admin osd crush add osd.0 1.0 root=default host=localhost
}

logged() { "$@" >>"$DIR/log/setup.log" 2>&1 || { tail -n 20 "$DIR/log/setup.log" >&2; die "$* failed"; }; }

do_start() {
    need_root
    need_packages ceph-mon ceph-mgr ceph-osd ceph-common radosgw curl
    prepare
    mkdir -p "$DIR"/{mon,mgr,osd,rgw,sockets,crash}
    local port
    port=$(free_port 17480)
    echo "$port" >"$DIR/port"
    write_configuration "$port"
    logged make_keys
    logged monmaptool --create --addv a "[v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]" \
        --fsid "$(sed -n 's/^fsid = //p' "$conf")" "$DIR/monmap"
    logged ceph-mon --mkfs -i a --conf "$conf" --monmap "$DIR/monmap" --keyring "$DIR/all.keyring"
    spawn monitor -- ceph-mon -f -i a --conf "$conf" --keyring "$DIR/mon/keyring"
    wait_until 30 "the monitor" ceph_admin -s
    spawn manager -- ceph-mgr -f -i x --conf "$conf" --keyring "$DIR/mgr/keyring"
    logged make_storage
    spawn storage -- ceph-osd -f -i 0 --conf "$conf" --keyring "$DIR/osd/keyring"
    wait_until 60 "the storage daemon" storage_is_up
    start_gateway
    logged gateway_admin user create --uid=strongroom --display-name=strongroom --access-key="$access_key" --secret="$secret_key"
    echo "STRONGROOM_TEST_S3=Url=s3://strongroom-tests?endpoint=http://127.0.0.1:$port;AccessKeyId=$access_key;SecretAccessKey=$secret_key"
}

gateway_pid() { cut -d' ' -f1 "$DIR/run/gateway"; }

case ${1:-} in
    pause) kill -STOP "$(gateway_pid)" ;;
    resume) kill -CONT "$(gateway_pid)" ;;
    kill) kill -KILL "$(gateway_pid)" ;;
    revive) start_gateway ;;
    quota)
        gateway_admin quota set --quota-scope=user --uid=strongroom --max-size="$2" >&2
        gateway_admin quota "$([ "$2" = -1 ] && echo disable || echo enable)" --quota-scope=user --uid=strongroom >&2
        ;;
    *) main "$@" ;;
esac
