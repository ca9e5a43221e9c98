/** A moment at which a command is ended. */
export interface Moment {
  readonly name: string
  /**
   * When standard error matches; when a program runs that the command starts; or a time after the start in milliseconds, when
   * the command may not handle signals yet.
   */
  readonly at: RegExp | { readonly program: string } | number
  /** Further milliseconds after that. */
  readonly afterMs?: number
  /** What standard output has then; undefined: nothing. */
  readonly result?: RegExp
  /** Further words of the command line. */
  readonly words?: string
}

/** A command of the benchmark, and six moments of it. */
export interface CommandMoments {
  readonly command: string
  readonly words: string
  /** `signal`: 128 plus the signal's number; `ends`: a signal is how the command ends, or it ends by itself. */
  readonly status: 'signal' | 'ends'
  /** Runs it through ts-node: the compiled commands have no programs in other languages beside them. */
  readonly tsNode?: boolean
  /** Starts a sender to the receiver. */
  readonly hasSender?: boolean
  readonly moments: readonly Moment[]
}

/** Results of complete rounds only. */
const PARTIAL = /^PARTIAL RESULT: /

/** Every command, and the moments between its start and its last round. */
export const COMMANDS: readonly CommandMoments[] = [
  {
    command: 'send',
    words: '--duration 0.3 --rounds 5 --omit 0.2 --interval 0.1 --mode sendmsg,sendmmsg',
    status: 'signal',
    moments: [
      { name: 'at the start', at: 100 },
      { name: 'while the receiver starts', at: /starting a receiver/ },
      { name: 'during the warm-up', at: /warming up/ },
      { name: 'in the first round', at: /^round 1 of 5, \w+, after/m },
      { name: 'after the first round', at: /(^round 1 of 5, \w+: .*\n[\s\S]*){2}/m, result: PARTIAL },
      { name: 'in the last round', at: /^round 5 of 5, \w+, after/m, result: PARTIAL },
    ],
  },
  {
    command: 'compare',
    words: '--duration 0.3 --rounds 5 --omit 0.2 --peers c',
    status: 'signal',
    tsNode: true,
    moments: [
      { name: 'at the start', at: 100 },
      { name: 'while the receiver starts', at: /starting a receiver/ },
      { name: 'while a program is compiled', at: /compiling the program c/ },
      { name: 'during the warm-up', at: /warming up/ },
      { name: 'after the first round', at: /(^round 1 of 5, .*\n[\s\S]*){3}/m, result: PARTIAL },
      { name: 'before the last round', at: /(^round 4 of 5, .*\n[\s\S]*){3}/m, result: PARTIAL },
    ],
  },
  {
    command: 'latency',
    words: '--duration 0.3 --rounds 5 --omit 0.2 --mode sendmsg,dgram',
    status: 'signal',
    moments: [
      { name: 'at the start', at: 100 },
      { name: 'while the receiver starts', at: /starting a receiver/ },
      { name: 'during the warm-up', at: /warming up/ },
      { name: 'after the first round', at: /(^round 1 of 5, .*\n[\s\S]*){2}/m, result: PARTIAL },
      { name: 'in the third round', at: /(^round 2 of 5, .*\n[\s\S]*){2}/m, result: PARTIAL },
      { name: 'in the last round', at: /(^round 4 of 5, .*\n[\s\S]*){2}/m, result: PARTIAL },
    ],
  },
  {
    command: 'drop-in',
    words: '--rounds 3 --measure send,round-trip',
    status: 'signal',
    moments: [
      { name: 'at the start', at: 100 },
      { name: 'while the first process works', at: 700 },
      { name: 'after the first process', at: /^send, round 1 of 3/m, result: PARTIAL },
      { name: 'in the second round', at: /^send, round 2 of 3/m, result: PARTIAL },
      { name: 'before the second measure', at: /(^send, round 3 of 3.*\n[\s\S]*){3}/m, result: PARTIAL },
      { name: 'while a round trip has two processes', at: /^round-trip, round 1 of 3/m, result: PARTIAL },
    ],
  },
  {
    command: 'profile',
    words: '--quick --sample 1 --batch 8',
    status: 'signal',
    moments: [
      { name: 'at the start', at: 100 },
      { name: 'while the processes start', at: /starting their processes/ },
      { name: 'while the cases warm up', at: /warming up/ },
      { name: 'about the first round', at: /warming up/, afterMs: 2000, result: /^(PARTIAL RESULT: [\s\S]*)?$/ },
      { name: 'after the first round', at: /^round/m, result: PARTIAL, words: '--budget 200' },
      {
        name: 'during the cross-checks',
        at: { program: 'strace' },
        result: /^What limits sendmmsg$/m,
        words: '--budget 40',
      },
    ],
  },
  {
    command: 'recv',
    words: '--interval 0.1',
    status: 'ends',
    hasSender: true,
    moments: [
      { name: 'at the start', at: 100 },
      { name: 'when it listens', at: /listening on/ },
      { name: 'in a stream', at: /^[\d.]+ s: /m, result: /^from 127\.0\.0\.1/m },
      { name: 'after some streams', at: /(^[\d.]+ s: .*\n){6}/m, result: /^from 127\.0\.0\.1/m },
      { name: 'with a document to print', at: /^[\d.]+ s: /m, result: /^\{\n/, words: '--json' },
      {
        name: 'in a stream that was not announced',
        at: /^[\d.]+ s: /m,
        result: /^from a sender/m,
        words: '--no-control',
      },
    ],
  },
  {
    command: 'probe',
    words: '',
    status: 'ends',
    moments: [80, 120, 160, 200, 300, 500].map((at) => ({ name: `after ${at} ms`, at, result: /^(Linux [\s\S]*)?$/ })),
  },
]

/** Signals, and who receives them: a terminal sends to the whole process group. */
export const SIGNALS = [
  { signal: 'SIGINT', number: 2, toGroup: true },
  { signal: 'SIGTERM', number: 15, toGroup: false },
  { signal: 'SIGHUP', number: 1, toGroup: true },
  { signal: 'SIGKILL', number: 9, toGroup: false },
] as const
