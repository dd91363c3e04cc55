# Hosts for a cluster on one machine: each is a network namespace with an address and a name of
# its own, and this namespace routes between them, so that any of them can be cut off without a
# word to anybody. To be sourced behind deploy/cluster.sh, two of whose functions it redefines.
#
#   hosts_enter SCRIPT        first of all: runs it again where it may make namespaces
#   hosts_up NAME...
#   host_cut NAME [to|from]   what is sent to it, or from it, or both, is dropped in silence
#   host_heal NAME
#
# An ordinary user is root in a user namespace of his own, where the machine lets him, or else
# through sudo, where that asks nothing. When the script has ended, nothing of all this is left.
hosts_enter() {
    [ -z "${HOSTS_ENTERED:-}" ] || return 0
    if [ "$(id -u)" = 0 ]; then
        hosts_as=unshare
    elif unshare --user --map-root-user --net --mount true 2>/dev/null; then
        hosts_as='unshare --user --map-root-user'
    elif sudo -n unshare --net --mount true 2>/dev/null; then
        hosts_as='sudo -n unshare'
    elif sudo -n unshare --net --mount --propagation unchanged true 2>/dev/null; then
        hosts_as='sudo -n unshare --propagation unchanged' # in a chroot
    else
        echo 'network namespaces need root, sudo without a password, or a kernel that gives' \
            'user namespaces to all' >&2
        exit 1
    fi
    # shellcheck disable=SC2086  # several words; and sudo takes no environment along
    exec $hosts_as --net --mount --uts --pid --fork --kill-child --mount-proc \
        env HOSTS_ENTERED=1 "PATH=$PATH" ${DESCENTD:+"DESCENTD=$DESCENTD"} \
        ${LOAD:+"LOAD=$LOAD"} ${CUTS:+"CUTS=$CUTS"} ${RATE:+"RATE=$RATE"} sh "$1"
}

# host_number NAME: its place among those of hosts_up, from 1.
host_number() {
    hosts_n=0
    for hosts_name in $hosts; do
        hosts_n=$((hosts_n + 1))
        [ "$hosts_name" != "$1" ] || echo "$hosts_n"
    done
}

cluster_address() {
    echo "10.77.$(host_number "$1").2"
}

cluster_on() {
    hosts_name=$1
    shift
    # shellcheck disable=SC2016  # of the inner shell
    exec nsenter --net="/run/netns/$hosts_name" unshare --uts \
        sh -c 'hostname "$0" && exec "$@"' "$hosts_name" "$@"
}

# host_ip NAME ARGUMENT...: ip there; its own -n wants a root folder that is a mount.
host_ip() {
    hosts_name=$1
    shift
    nsenter --net="/run/netns/$hosts_name" ip "$@"
}

hosts_up() {
    hosts=$*
    mount -t tmpfs tmpfs /run # of this namespace of mounts; ip keeps its names there
    ip link set dev lo up
    echo 1 >/proc/sys/net/ipv4/ip_forward
    for host in $hosts; do
        net=10.77.$(host_number "$host")
        ip netns add "$host" &&
            ip link add dev "$host" type veth peer name eth0 netns "$host" &&
            ip address add "$net.1/24" dev "$host" && ip link set dev "$host" up &&
            host_ip "$host" link set dev lo up && host_ip "$host" link set dev eth0 up &&
            host_ip "$host" address add "$net.2/24" dev eth0 &&
            host_ip "$host" route add default via "$net.1" || return 1
    done
}

host_cut() {
    [ "${2:-to}" != to ] || ip rule add pref 10 to "$(cluster_address "$1")" blackhole
    [ "${2:-from}" != from ] || ip rule add pref 10 iif "$1" blackhole
}

host_heal() {
    ip rule del pref 10 to "$(cluster_address "$1")" 2>/dev/null
    ip rule del pref 10 iif "$1" 2>/dev/null || :
}
