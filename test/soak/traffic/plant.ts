import { isMainThread } from 'node:worker_threads'

/** Faults that the soak's test plants in the traffic, to see that the account finds them. */
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

/** The environment variable that names the planted fault, for the processes with traffic. */
export const PLANT_VARIABLE = 'BATCHCONN_SOAK_PLANT'

/** True when this fault is planted in this process. */
export function isPlanted(plant: Plant): boolean {
  return planted === plant
}

/** True once, on the main thread, if the fault is planted: for the datagrams of which one is spoilt. */
export function plantOnce(plant: Plant): boolean {
  if (planted !== plant || isSpent || !isMainThread) return false
  isSpent = true
  return true
}

const planted = process.env[PLANT_VARIABLE]
let isSpent = false
