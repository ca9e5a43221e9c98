/** Faults that the soak's test plants, to see that they are found. Those of the traffic affect one datagram of one socket. */
export const PLANTS = [
  'lost-datagram',
  'lost-callback',
  'duplicate',
  'corrupt',
  'reorder',
  'descriptor-leak',
  'memory-leak',
] as const

export type Plant = (typeof PLANTS)[number]

/** The environment variable with the planted faults, for the processes with traffic. */
export const PLANT_VARIABLE = 'BATCHCONN_SOAK_PLANT'

/** True when this fault is planted in this process. */
export function isPlanted(plant: Plant): boolean {
  return planted.has(plant)
}

/** True once, for the socket that the fault affects. Each fault has a socket of its own, so that each is found separately. */
export function plantOnce(plant: keyof typeof VICTIMS, socket: string): boolean {
  return socket === VICTIMS[plant] && planted.delete(plant)
}

const VICTIMS = {
  'lost-datagram': 'callback ipv4',
  'lost-callback': 'drop-in ipv4',
  duplicate: 'pair callback ipv4',
  corrupt: 'knocking ipv4',
  reorder: 'pair waiting ipv4',
} as const satisfies Partial<Record<Plant, string>>

const planted = new Set<string>(process.env[PLANT_VARIABLE]?.split(','))
