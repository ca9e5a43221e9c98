import { CONTENDERS, type Contender, type Figures, type Measure, type Task } from './drop-in/task.js'
import { runWorker } from './drop-in/worker-process.js'
import { runCommand } from './failure.js'
import { type DropInOptions, parseDropInOptions } from './options/drop-in-options.js'
import { printDocument } from './report/document.js'
import { dropInDocument, dropInText, type Rounds, summarizeMeasure } from './report/drop-in-report.js'
import { Progress } from './report/progress.js'
import { seededRandom, shuffled } from './workload/random.js'

/** Half a second's worth of datagrams, or of round trips. */
const COUNTS = { send: 320_000, receive: 320_000, 'round-trip': 40_000, sockets: 0 } as const

/** `bench/drop-in.ts`: the drop-in beside node:dgram, one thing at a time. */
void runCommand('drop-in', async (signal) => {
  const options = parseDropInOptions(process.argv.slice(2))
  const progress = new Progress(options.quiet, 0)
  const random = seededRandom(options.seed)
  const summaries = []
  for (const measure of options.measures) {
    const rounds = await runRounds(measure, options, random, progress, signal)
    summaries.push(...summarizeMeasure(measure, rounds, random))
  }
  if (options.json) printDocument(dropInDocument(options, summaries))
  else process.stdout.write(`${dropInText(options, summaries)}\n`)
})

/** Every contender once a round, in random order. */
async function runRounds(
  measure: Measure,
  options: DropInOptions,
  random: () => number,
  progress: Progress,
  signal: AbortSignal,
): Promise<Rounds> {
  const rounds = new Map<Contender, Figures[]>(CONTENDERS[measure].map((contender) => [contender, []]))
  const wrapper = options.cpu === undefined ? [] : ['taskset', '--cpu-list', String(options.cpu)]
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const contender of shuffled(CONTENDERS[measure], random)) {
      const figures = await runWorker(taskFor(measure, contender, options), wrapper, signal)
      rounds.get(contender)?.push(figures)
      const found = Object.entries(figures).map(([name, value]) => `${value.toFixed(1)} ${name}`)
      progress.say(`${measure}, round ${round} of ${options.rounds}, ${contender}: ${found.join(', ')}`)
    }
  }
  return rounds
}

function taskFor(measure: Measure, contender: Contender, { sizeBytes, kept, to, peers, sockets }: DropInOptions): Task {
  const count = measure === 'kept' ? kept : COUNTS[measure]
  return { measure, contender, sizeBytes, count, to, peers, sockets }
}
