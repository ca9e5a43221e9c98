import type { SendReport } from '../../src/index.js'
import type { SendAllCase } from './send-all-case.js'
import { judgeFailure } from './send-rules.js'
import { checkUsable, takeStep } from './send-runner.js'
import { SendScene } from './send-scene.js'
import type { SendTally } from './send-tally.js'
import { expect } from './violation.js'

/** Runs one case of `sendAll`. @throws Violation */
export async function runSendAllCase(testCase: SendAllCase, tally: SendTally): Promise<void> {
  const scene = new SendScene(testCase.send, tally)
  try {
    for (const step of testCase.send.steps) {
      takeStep(scene, step)
      scene.checkNumbers()
    }
    await new SendAll(scene, testCase).run()
    checkUsable(scene)
  } finally {
    scene.close()
  }
}

/** One `sendAll`, and a second one if the first is aborted. */
class SendAll {
  readonly #scene: SendScene
  readonly #case: SendAllCase
  /** Failures that the model has recorded. */
  #seen = 0
  #calls = 0

  constructor(scene: SendScene, testCase: SendAllCase) {
    this.#scene = scene
    this.#case = testCase
  }

  async run(): Promise<void> {
    const { abortAt, resumeOn } = this.#case
    const { model, batch } = this.#scene
    const controller = new AbortController()
    this.#seen = batch.failed.length
    this.#scene.onCall = () => {
      if (this.#calls === abortAt) controller.abort(REASON)
      this.#calls += 1
    }
    const isDone = await this.#send(0, controller.signal)
    if (!isDone) {
      expect(controller.signal.aborted, () => 'sendAll rejected with the reason of a signal that is not aborted')
      await this.#send(resumeOn, undefined)
    }
    this.#scene.onCall = () => {}
    expect(model.remaining === 0, () => `sendAll left ${model.remaining} messages`)
  }

  /** @returns false if it was aborted */
  async #send(socketIndex: number, signal: AbortSignal | undefined): Promise<boolean> {
    const scene = this.#scene
    const { model, batch, script } = scene
    const { conn } = scene.socket(socketIndex)
    const [start, startFailures] = [model.position, batch.failed.length]
    const callLimit = this.#calls + CALLS_PER_DATAGRAM * (model.remainingDatagrams + 1) + script.eventsLeft
    scene.begin()
    const onCall = scene.onCall
    scene.onCall = () => {
      expect(this.#calls < callLimit, () => `${callLimit} system calls in sendAll`)
      this.#takeFailures(socketIndex)
      onCall()
    }
    let report: SendReport | undefined
    try {
      report = await conn.sendAll(batch, { signal })
    } catch (error) {
      if (error !== REASON) throw error
    } finally {
      scene.onCall = onCall
    }
    this.#takeFailures(socketIndex)
    scene.checkNumbers()
    scene.acceptRetries(scene.socket(socketIndex))
    scene.checkStats()
    if (report === undefined) return false
    const failures = batch.failed.slice(startFailures)
    expect(model.remaining === 0, () => 'sendAll stopped before the last message')
    expect(report.failed.length === failures.length, () => 'the report has other failures than the batch')
    const done = model.position - start
    expect(report.sent + failures.length === done, () => `${report.sent} sent, ${failures.length} failed, of ${done}`)
    return true
  }

  /** The messages that `sendAll` has given up since the last check must be the next ones, for a valid reason. */
  #takeFailures(socketIndex: number): void {
    const { batch, model, localErrors } = this.#scene
    const { facts } = this.#scene.socket(socketIndex)
    for (const { index, error } of batch.failed.slice(this.#seen)) {
      this.#seen += 1
      this.#scene.expectedStats.of(facts).failedMessages += 1
      expect('index' in error ? error.index === index : false, () => `message ${index} failed with ${error}`)
      judgeFailure(error, model, facts, localErrors)
      model.skip()
    }
  }
}

const REASON = new Error('aborted by the case')

/** ECONNREFUSED is attempted 16 times, and twice as often while sendmmsg returns EPERM. */
const CALLS_PER_DATAGRAM = 144
