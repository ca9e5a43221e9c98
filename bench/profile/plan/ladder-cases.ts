import type { ReceiveCall, SendCall } from '../work/work.js'
import {
  batchOf,
  type Case,
  RECEIVE_FUNCTIONS,
  type ReceiveFunction,
  SEND_FUNCTIONS,
  type SendFunction,
  type Subject,
} from './case.js'

/** The payload sizes that the cost of copying is read off. */
export function copySizes({ sizeBytes }: Pick<Subject, 'sizeBytes'>): number[] {
  return [...new Set([0, 1, ...[0.25, 0.5, 0.75, 1].map((share) => Math.round(sizeBytes * share))])]
}

export function loopId(batch: number): string {
  return `loop/${batch}`
}

export function sendId(
  name: SendFunction,
  connected: boolean,
  call: SendCall,
  batch: number,
  sizeBytes: number,
): string {
  return `send/${name}/${connected ? 'connected' : 'unconnected'}/${call}/${batchOf(name, batch)}/${sizeBytes}`
}

export function receiveId(name: ReceiveFunction, call: ReceiveCall, batch: number, sizeBytes: number): string {
  return `receive/${name}/${call}/${batchOf(name, batch)}/${sizeBytes}`
}

export function crossingId(by: 'javascript' | 'koffi' | 'node:ffi', name: SendFunction): string {
  return `crossing/${by}/${name}`
}

/** All that the ladders of sending and of receiving are made of. */
export function ladderCases(subject: Subject): Case[] {
  return [
    ...[...new Set([1, subject.batch])].map((batch): Case => {
      const work = { kind: 'loop', batch, repeat: 1 } as const
      return { id: loopId(batch), worker: loopId(batch), place: 'main', work, every: 1 }
    }),
    ...SEND_FUNCTIONS.flatMap((name) => [false, true].flatMap((connected) => sendRungs(subject, name, connected))),
    ...RECEIVE_FUNCTIONS.flatMap((name) => receiveRungs(subject, name)),
    ...crossingCases(),
  ]
}

function sendRungs(subject: Subject, name: SendFunction, connected: boolean): Case[] {
  const { sizeBytes } = subject
  const batch = batchOf(name, subject.batch)
  const make = (call: SendCall, size: number): Case => ({
    id: sendId(name, connected, call, batch, size),
    worker: `send/${name}/${connected}/${call}`,
    place: 'main',
    work: { kind: 'send', call, function: name, batch, repeat: 1, sizeBytes: size, connected },
    every: 1,
  })
  return [
    make('none', sizeBytes),
    make('pretend', sizeBytes),
    make('crossing', sizeBytes),
    make('entry', sizeBytes),
    ...(connected ? [] : [make('closed', sizeBytes)]),
    make('probe', 0),
    ...replicated(subject, [...copySizes(subject).map((size) => make('kernel', size)), make('library', sizeBytes)]),
  ]
}

function receiveRungs(subject: Subject, name: ReceiveFunction): Case[] {
  const { sizeBytes } = subject
  const batch = batchOf(name, subject.batch)
  const make = (call: ReceiveCall, size: number): Case => ({
    id: receiveId(name, call, batch, size),
    worker: `receive/${name}/${call}`,
    place: 'main',
    work: { kind: 'receive', call, function: name, batch, repeat: 1, sizeBytes: size },
    every: 1,
  })
  return [
    make('none', sizeBytes),
    make('pretend', sizeBytes),
    make('crossing', sizeBytes),
    make('entry', sizeBytes),
    ...replicated(subject, [...copySizes(subject).map((size) => make('kernel', size)), make('library', sizeBytes)]),
  ]
}

/** The same case in several processes. */
function replicated({ replicas }: Subject, cases: readonly Case[]): Case[] {
  return cases.flatMap((one) =>
    Array.from({ length: replicas }, (_, index) => ({
      ...one,
      id: replicaId(one.id, index),
      worker: replicaId(one.worker, index),
    })),
  )
}

export function replicaId(id: string, index: number): string {
  return `${id}#${index + 1}`
}

function crossingCases(): Case[] {
  return (['javascript', 'koffi', 'node:ffi'] as const).flatMap((by) =>
    SEND_FUNCTIONS.map((name) => ({
      id: crossingId(by, name),
      worker: crossingId(by, name),
      place: 'main' as const,
      work: { kind: 'crossing' as const, by, function: name },
      every: 1,
      ...(by === 'node:ffi' ? { nodeFlags: FFI_FLAGS } : {}),
    })),
  )
}

// Node 26 wants it, later versions do without, and earlier ones do not start with it.
const FFI_FLAGS = ['--experimental-ffi'].filter((flag) => process.allowedNodeEnvironmentFlags.has(flag))
