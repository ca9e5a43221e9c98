/** The components of a send that a kernel function can belong to; `user` is everything outside the kernel. */
export type SymbolGroup = 'user' | 'entry' | 'import' | 'route' | 'device' | 'copy' | 'tracing' | 'unknown'

/**
 * Returns the component that a kernel function belongs to, by its name. Functions that match no pattern are `unknown`: names
 * differ between kernels, and helpers serve several components. `tracing` is not part of sending: programs attached to
 * kernel functions (BPF), whose cost is included in the components of those functions.
 */
export function groupOfSymbol(symbol: string): Exclude<SymbolGroup, 'user'> {
  const found = PATTERNS.find(([, pattern]) => pattern.test(symbol))
  return found === undefined ? 'unknown' : found[0]
}

const TRACING =
  /bpf|htab|lookup_nulls|ktime_get|read_tsc|kvm_clock|pvclock|copy_from_kernel|is_vmalloc|ftrace|kprobe|trampoline|ringbuf|perf_/
const COPY = /copy_from_iter|rep_movs|memcpy|csum_(partial|and_copy)|ip_generic_getfrag|iter_advance/
const ENTRY =
  /^(entry_|do_syscall|syscall_|x64_sys|__x64_sys|exit_to_user|srso_|irqentry|retbleed|arch_exit|fdget|__fget|sockfd_lookup|fput)/
const IMPORT = new RegExp(
  [
    'copy_msghdr|copy_iovec|copy_from_user|copy_user|check_object|check_heap|virt_addr_valid|import_iovec|import_ubuf',
    'sendmsg_copy|move_addr|__sys_send|sock_sendmsg|inet_sendmsg|inet_send_prepare|security_socket|apparmor_|selinux_',
    '^_?_?(get|put)_user|audit_|^udp_sendmsg|udp_cmsg|ip_cmsg|__might|^aa_',
  ].join('|'),
)
const DEVICE_FIRST = /^(dev_|__dev_|ip_skb_dst|ipv4_mtu|skb_dst|ip_finish|neigh)/
const ROUTE = /fib_|ip_route_|route|^rt_|^dst_|ipv4_dst|flowi|find_exception|sk_dst|xfrm_/
const DEVICE = new RegExp(
  [
    'skb|kmalloc|kmem|kfree|slab|alloc_|^__ip_|^ip_|^sock_|neigh|dev_|qdisc|sch_|xmit|ifb|loopback|netif|net_rx|backlog|napi',
    '^nf_|netdev|__build|page_frag|validate_|eth_|softirq|local_bh|consume|^udp|tasklet|u64_stats|spin_|siphash|rcu|put_page',
    'memset|inet_|refcount|pfifo|fq_',
  ].join('|'),
)

const PATTERNS: readonly (readonly [Exclude<SymbolGroup, 'user'>, RegExp])[] = [
  ['tracing', TRACING],
  ['copy', COPY],
  ['entry', ENTRY],
  ['import', IMPORT],
  ['device', DEVICE_FIRST],
  ['route', ROUTE],
  ['device', DEVICE],
]
