import { ROUGH_LINK } from '../plan/hosts.js'
import type { Network } from './network.js'

/** Second link between the two hosts, whose device queues can be slowed down, and which can be taken down. */
export class RoughLink {
  readonly #ends: Record<'A' | 'B', Network>

  constructor(a: Network, b: Network) {
    this.#ends = { A: a, B: b }
  }

  async create(): Promise<void> {
    const { A, B } = this.#ends
    await A.run(`ip link add ${DEVICE} type veth peer name ${DEVICE} netns ${B.namespace}`)
    for (const host of ['A', 'B'] as const) {
      await this.#ends[host].run(`
        ip link set ${DEVICE} address ${MAC[host]} addrgenmode none
        ip address add ${ROUGH_LINK[host]}/24 dev ${DEVICE}
        tc qdisc add dev ${DEVICE} root tbf ${FAST}
        for queue in /sys/class/net/${DEVICE}/queues/rx-*/rps_cpus; do echo ${FIRST_CPU} > $queue || true; done`)
    }
    await this.up()
  }

  /** Brings both ends up. The neighbours are permanent, so that the queues contain only the soak's datagrams. */
  async up(): Promise<void> {
    for (const [host, other] of [
      ['A', 'B'],
      ['B', 'A'],
    ] as const) {
      await this.#ends[host].run(`
        ip link set ${DEVICE} up
        ip neigh replace ${ROUGH_LINK[other]} lladdr ${MAC[other]} dev ${DEVICE} nud permanent`)
    }
  }

  /** Takes host A's end down, which removes its routes over the link. */
  async down(): Promise<void> {
    await this.#ends.A.run(`ip link set ${DEVICE} down`)
  }

  /** Makes both queues slow, so that they overflow, or fast again. */
  async setSlow(isSlow: boolean): Promise<void> {
    for (const end of Object.values(this.#ends)) {
      await end.run(`tc qdisc change dev ${DEVICE} root tbf ${isSlow ? SLOW : FAST}`)
    }
  }
}

const DEVICE = 'veth-rough'

/**
 * Mask of the CPU that receives all packets of the link. tbf's timer and the senders take packets from the queue on different
 * CPUs, and veth puts each packet into the backlog of its own CPU (netif_rx): packets of one flow could overtake each other.
 * Where sysfs is read-only, they still can.
 */
const FIRST_CPU = 1
const MAC = { A: '02:00:00:00:02:01', B: '02:00:00:00:02:02' } as const

// A GSO send must fit the burst. Otherwise tbf segments it and can drop a part of it without an error to the sender
// (tbf_segment in net/sched/sch_tbf.c). It must fit the queue too.
const QUEUE = 'burst 34kb limit 40kb'
const FAST = `rate 10gbit ${QUEUE}`
const SLOW = `rate 200kbit ${QUEUE}`
