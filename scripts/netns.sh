#!/usr/bin/env bash
# Two hosts on a veth link, and a sink: network namespaces for UDP tests and benchmarks. Run without arguments for the
# usage.
set -uo pipefail

readonly PREFIX="${BATCHCONN_NETNS_PREFIX:-batchconn}"
readonly HOST_A="$PREFIX-a"
readonly HOST_B="$PREFIX-b"
readonly SINK="$PREFIX-sink"
# Created inside the namespaces, so these names cannot conflict with another run's and need no prefix.
readonly LINK_A=veth-a
readonly LINK_B=veth-b
readonly SINK_DEVICE=sink0
readonly MTU_BYTES=1500
readonly SINK_PEER_MAC=02:00:00:00:01:02

main() {
  local command="${1:-}"
  case "$command" in
    up | down | status)
      [ $# -eq 1 ] || usage
      require_means
      one_at_a_time
      "$command"
      ;;
    exec)
      [ $# -ge 3 ] || usage
      case "$2" in
        A) run_in_host "$HOST_A" "${@:3}" ;;
        B) run_in_host "$HOST_B" "${@:3}" ;;
        *) usage ;;
      esac
      ;;
    sink)
      [ $# -ge 2 ] || usage
      run_in_sink "${@:2}"
      ;;
    *) usage ;;
  esac
}

usage() {
  cat >&2 <<USAGE
usage: netns.sh up                create (or repair) the namespaces
       netns.sh down              remove them
       netns.sh exec A|B CMD...   run CMD in one of the two hosts; its exit status is the result
       netns.sh sink CMD...       run CMD in the namespace whose device drops all packets to the sink
       netns.sh status            list the devices; exit status 0 if all exist

A     10.83.0.1  fd83::1     namespace $HOST_A
B     10.83.0.2  fd83::2     namespace $HOST_B
sink  10.83.1.1  fd83:1::1   namespace $SINK; send to 10.83.1.2 .. 10.83.1.65 or fd83:1::2

BATCHCONN_NETNS_PREFIX (default batchconn) is the prefix of the namespaces' names. Requires root and iproute2.
USAGE
  exit 2
}

up() {
  make_namespace "$HOST_A"
  make_namespace "$HOST_B"
  make_wire
  configure "$HOST_A" "$LINK_A" 10.83.0.1/24 fd83::1/64 || die "cannot set up host A: $reason"
  configure "$HOST_B" "$LINK_B" 10.83.0.2/24 fd83::2/64 || die "cannot set up host B: $reason"
  if ! make_sink; then
    note "no sink: the kernel rejected the ifb device: $reason"
    try ip netns del "$SINK"
  fi
  return 0
}

down() {
  # Delete the devices first: a namespace and its devices exist as long as a process runs in it.
  delete_device "$HOST_A" "$LINK_A"
  delete_device "$HOST_B" "$LINK_B"
  delete_device "$SINK" "$SINK_DEVICE"
  local namespace
  for namespace in "$HOST_A" "$HOST_B" "$SINK"; do
    [ -e "/var/run/netns/$namespace" ] || continue
    try ip netns del "$namespace" || die "cannot remove namespace $namespace: $reason"
  done
}

status() {
  local missing=0
  report_device A "$HOST_A" "$LINK_A" || missing=1
  report_device B "$HOST_B" "$LINK_B" || missing=1
  report_device sink "$SINK" "$SINK_DEVICE" || missing=1
  exit "$missing"
}

run_in_host() {
  require_means
  is_namespace "$1" || die "namespace $1 does not exist: run 'netns.sh up' first"
  # Use exec, so that the caller's child is the command itself: it receives signals and its exit status directly.
  exec ip netns exec "$@"
}

run_in_sink() {
  require_means
  if ! has_device "$SINK" "$SINK_DEVICE"; then
    is_namespace "$HOST_A" || die "namespace $SINK does not exist: run 'netns.sh up' first"
    die "no sink: the kernel rejected the ifb device when 'netns.sh up' was run; run it again to see why"
  fi
  exec ip netns exec "$SINK" "$@"
}

make_namespace() {
  is_namespace "$1" && return
  # An interrupted run can leave a file without a mounted namespace, which makes the name unusable.
  [ ! -e "/var/run/netns/$1" ] || try ip netns del "$1"
  try ip netns add "$1" || die "cannot make network namespace $1: $reason"
}

make_wire() {
  ip -n "$HOST_A" link show "$LINK_A" 2>/dev/null | grep -q "link-netns $HOST_B\$" && has_device "$HOST_B" "$LINK_B" && return
  delete_device "$HOST_A" "$LINK_A"
  delete_device "$HOST_B" "$LINK_B"
  skip_address_detection "$HOST_A"
  skip_address_detection "$HOST_B"
  try ip link add "$LINK_A" netns "$HOST_A" type veth peer name "$LINK_B" netns "$HOST_B" \
    || die "cannot make the veth pair: $reason"
}

# The ifb driver drops every packet that was not redirected to it, after the complete send path: routing, neighbour,
# qdisc, device. To interpret measurements taken with the sink:
# - The driver counts these packets as receive packets and receive drops. The transmit counters stay at 0.
# - It supports checksum and UDP segmentation offload, as most network cards do. A GSO send (UDP_SEGMENT) reaches it
#   unsegmented and counts as one packet; `tc -s qdisc` counts the segments. To measure segmentation in software:
#     netns.sh sink ip link set sink0 gso_max_segs 1      (65535 restores the default)
# - It has no ARP, so that only the caller's datagrams pass. The neighbours are permanent anyway, so that the send path
#   does not depend on the kernel's treatment of such devices.
make_sink() {
  make_namespace "$SINK"
  if ! has_device "$SINK" "$SINK_DEVICE"; then
    skip_address_detection "$SINK"
    try ip -n "$SINK" link add "$SINK_DEVICE" type ifb || return 1
  fi
  # A link-local address would send router solicitations, which would distort the counters.
  try ip -n "$SINK" link set "$SINK_DEVICE" addrgenmode none
  # ifb has a queue of 32 packets by default, a network card 1000.
  try ip -n "$SINK" link set "$SINK_DEVICE" txqueuelen 1000 || return 1
  configure "$SINK" "$SINK_DEVICE" 10.83.1.1/24 fd83:1::1/64 || return 1
  try ip -n "$SINK" neigh replace fd83:1::2 lladdr "$SINK_PEER_MAC" dev "$SINK_DEVICE" nud permanent
  try ip -n "$SINK" -batch - < <(sink_neighbours)
}

sink_neighbours() {
  local host
  for host in {2..65}; do
    echo "neigh replace 10.83.1.$host lladdr $SINK_PEER_MAC dev $SINK_DEVICE nud permanent"
  done
}

# configure NAMESPACE DEVICE IPV4 IPV6; repeating it changes nothing. On failure $reason says why. IPv6 may be missing.
configure() {
  try ip -n "$1" link set lo up \
    && try ip -n "$1" link set "$2" mtu "$MTU_BYTES" up \
    && try ip -n "$1" address replace "$3" dev "$2" || return 1
  try ip -n "$1" -6 address replace "$4" dev "$2" nodad || note "no IPv6 address on $2: $reason"
}

# Link-local addresses are added by the kernel and cannot have `nodad`. Without this setting they are unusable for 1 to
# 2 s.
skip_address_detection() {
  local settings=/proc/sys/net/ipv6/conf
  echo 0 | ip netns exec "$1" tee "$settings/all/accept_dad" "$settings/default/accept_dad" >/dev/null 2>&1
}

report_device() {
  local addresses
  if has_device "$2" "$3"; then
    addresses="$(ip -n "$2" -brief address show dev "$3" | tr -s ' ' | cut -d ' ' -f 3-)"
    echo "$1 up: namespace $2, device $3, $addresses"
  else
    echo "$1 missing: namespace $2, device $3"
    return 1
  fi
}

is_namespace() { ip -n "$1" link show lo >/dev/null 2>&1; }
has_device() { ip -n "$1" link show "$2" >/dev/null 2>&1; }
delete_device() { ip -n "$1" link del "$2" >/dev/null 2>&1; }

# Runs a command silently. On failure $reason contains its error output, on one line.
reason=
try() { reason="$("$@" 2>&1 >/dev/null)" || { reason="${reason//$'\n'/; }"; return 1; }; }

require_means() {
  [[ "$PREFIX" =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$ ]] \
    || die "BATCHCONN_NETNS_PREFIX must be letters, digits, '.', '_' and '-', at most 64, not \"$PREFIX\""
  command -v ip >/dev/null || die "the command ip (package iproute2) is not installed"
  [ "$EUID" -eq 0 ] || die "network namespaces need root"
}

# Two test files can call `up` at the same time. The script itself is the lock file, so that none is left behind.
one_at_a_time() {
  command -v flock >/dev/null || return 0
  exec {lock}<"${BASH_SOURCE[0]}" && flock --wait 60 "$lock" || die "another run holds the lock for over a minute"
}

note() { echo "netns.sh: $*" >&2; }
die() { note "$@"; exit 1; }

main "$@"
