import { RecvBatch } from '../../src/index.js'
import type { MessageSpec, SendCase, Step } from './send-case.js'
import { judgeCalls, judgeCount, judgeFailure, type SendOutcome } from './send-rules.js'
import { SendScene } from './send-scene.js'
import type { SendTally } from './send-tally.js'
import { expect, Violation } from './violation.js'

/** Runs one case of sending. @throws Violation */
export function runSendCase(testCase: SendCase, tally: SendTally): void {
  const scene = new SendScene(testCase, tally)
  try {
    for (const step of testCase.steps) {
      takeStep(scene, step)
      scene.checkNumbers()
    }
    sendRest(scene, testCase.alternates)
    scene.checkStats()
    checkUsable(scene)
  } finally {
    scene.close()
  }
}

/** One step of the caller. */
export function takeStep(scene: SendScene, step: Step): void {
  const { batch, model } = scene
  switch (step.do) {
    case 'append':
      appendAll(scene, step.messages)
      break
    case 'fill':
      appendAll(scene, new Array<MessageSpec>(step.count + 1).fill(step.message))
      break
    case 'send':
      send(scene, step.socket)
      break
    case 'skip':
      skip(scene)
      break
    case 'rewind':
      batch.rewind()
      model.rewind()
      break
    case 'clear':
      scene.clear()
      break
    case 'detach':
      scene.detach(step.message)
  }
}

// At most one more than fits: each rejection creates an error object.
function appendAll(scene: SendScene, messages: readonly MessageSpec[]): void {
  const { capacity, length } = scene.batch
  for (const message of messages.slice(0, capacity - length + 1)) scene.append(message)
}

/** One `send`, checked. @returns its result */
function send(scene: SendScene, socketIndex: number): SendOutcome {
  const { model, batch } = scene
  const socket = scene.socket(socketIndex)
  const { conn, facts } = socket
  const before = { position: model.position, datagrams: model.remainingDatagrams }
  const unsendable = model.segments > 0 || !batch.coalesce ? model.unsendable(facts) : undefined
  scene.begin()
  let outcome: SendOutcome
  try {
    outcome = { count: conn.send(batch) }
  } catch (error) {
    if (error instanceof Violation) throw error
    outcome = { error }
    scene.expectedStats.of(facts).failedMessages += 1
  }
  scene.checkNumbers()
  judgeCalls(model, before)
  if ('count' in outcome) {
    expect(unsendable === undefined, () => `message ${model.index} must fail with ${unsendable}`)
    judgeCount(outcome.count, before, model, facts)
  } else {
    expect(model.position === before.position, () => 'send threw although it sent messages')
    judgeFailure(outcome.error, model, facts, scene.localErrors)
    if (model.unsendable(facts) !== undefined)
      expect(model.calls === 0, () => 'an unsendable message reached the kernel')
  }
  checkGso(scene, socketIndex)
  return outcome
}

function skip({ batch, model }: SendScene): void {
  if (model.remaining > 0) {
    const { candidates } = model
    batch.skip()
    const skipped = candidates.filter((index) => !batch.isPending(index))
    expect(skipped.length === 1, () => `skip passed the messages ${skipped}`)
    model.select(skipped[0])
    model.skip()
    return
  }
  try {
    batch.skip()
  } catch (error) {
    if (error instanceof RangeError) return
    throw error
  }
  throw new Violation('skip passed the last message')
}

/** Sends everything left, skipping what fails. That must end after a bounded number of calls. */
function sendRest(scene: SendScene, alternates: boolean): void {
  const { model, script } = scene
  const limit = 2 * model.remainingDatagrams + script.eventsLeft + 8
  let failures = 0
  for (let sends = 0; model.remaining > 0; sends += 1) {
    expect(sends < limit, () => `${model.remaining} messages are left after ${limit} calls of send`)
    const outcome = send(scene, alternates ? sends % 2 : 0)
    if (!('error' in outcome)) continue
    skip(scene)
    failures += 1
    // The network recovers: a thousand messages that all fail would take a million headers.
    if (failures === MAX_FAILURES) scene.cooperate()
  }
  const outcome = send(scene, 0)
  expect(
    'count' in outcome && outcome.count === 0 && model.calls === 0,
    () => 'send had an effect without a message to send',
  )
}

/** After the case, with a kernel that accepts everything, the batch and the socket must work as new ones do. */
export function checkUsable(scene: SendScene): void {
  const { model, batch } = scene
  scene.cooperate()
  scene.clear()
  const { conn } = scene.socket(0)
  const count = Math.min(2, batch.capacity)
  for (const message of PLAIN.slice(0, count)) scene.append(message)
  scene.checkNumbers()
  const outcome = send(scene, 0)
  scene.checkStats()
  expect('count' in outcome && outcome.count === count, () => 'a plain send failed after the case')
  expect(model.calls <= count, () => `${model.calls} calls for ${count} plain messages`)
  const inbox = new RecvBatch({ capacity: 2, slotBytes: 16 })
  scene.deliver(Buffer.from('welcome'), 16)
  const received = conn.recv(inbox)
  expect(received === 1 && String(inbox.bytes(0)) === 'welcome', () => 'a plain receive failed after the case')
}

/** GSO may be switched off only for a socket whose own GSO sends were rejected. */
function checkGso(scene: SendScene, socketIndex: number): void {
  const { conn, facts } = scene.socket(socketIndex)
  if (!facts.gso || conn.gso.available) return
  expect(
    scene.model.hasRejectedGso(facts),
    () => 'GSO was switched off for a socket whose GSO sends were never rejected',
  )
}

const MAX_FAILURES = 40

const PLAIN: readonly MessageSpec[] = [
  { way: 'copy', size: 1, isHuge: false, destination: 0, options: 0, segment: 0 },
  { way: 'text', size: 1, isHuge: false, destination: 1, options: 1, segment: 0 },
]
