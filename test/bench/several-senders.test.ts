import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { ReceiveRecord } from '../../bench/control/receive-service.js'
import type { StreamRecord } from '../../bench/traffic/round-record.js'
import { type BenchDocument, BenchProcess, bench, benchJson, startReceiver } from './support.js'

// Each command is a process of its own, and machines differ.
t.setTimeout(240_000)

const PREFIX = `bct-star-${process.pid}`
const RECEIVER = `${PREFIX}-r`
const SENDERS = [1, 2, 3]
const sender = (number: number) => `${PREFIX}-${number}`
const addressOf = (number: number, host: 'sender' | 'receiver') => `10.84.${number}.${host === 'receiver' ? 1 : 2}`
const inNamespace = (namespace: string) => ({ wrapper: ['ip', 'netns', 'exec', namespace] })

function ip(...words: string[]): void {
  const { status, stderr, error } = spawnSync('ip', words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${words.join(' ')}: ${stderr ?? error?.message}`)
}

/** Creates three hosts, each with a wire to a fourth, which drops a tenth of what the third one sends. */
function star(): string | false {
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  if (spawnSync('nft', ['--version']).status !== 0) return 'it takes nft'
  try {
    ip('netns', 'add', RECEIVER)
    for (const number of SENDERS) {
      ip('netns', 'add', sender(number))
      ip('link', 'add', `v${number}`, 'netns', RECEIVER, 'type', 'veth', 'peer', 'name', 'v', 'netns', sender(number))
      ip('-n', RECEIVER, 'address', 'add', `${addressOf(number, 'receiver')}/24`, 'dev', `v${number}`)
      ip('-n', RECEIVER, 'link', 'set', `v${number}`, 'up')
      ip('-n', sender(number), 'address', 'add', `${addressOf(number, 'sender')}/24`, 'dev', 'v')
      ip('-n', sender(number), 'link', 'set', 'v', 'up')
    }
    nft('add table ip loss')
    nft('add chain ip loss input { type filter hook input priority 0 ; }')
    nft('add rule ip loss input iifname v3 ip protocol udp numgen random mod 10 == 0 counter drop')
    return false
  } catch (error) {
    down()
    return (error as Error).message
  }
}

function down(): void {
  for (const namespace of [RECEIVER, ...SENDERS.map(sender)]) spawnSync('ip', ['netns', 'del', namespace])
}

function nft(command: string): string {
  const words = ['netns', 'exec', RECEIVER, 'nft', ...command.split(' ')]
  const { status, stdout, stderr } = spawnSync('ip', words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`nft ${command}: ${stderr}`)
  return stdout
}

/** Number of datagrams that the firewall has dropped. */
function dropped(): number {
  return Number(/counter packets (\d+)/.exec(nft('list chain ip loss input'))?.[1])
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
const PLAN = '--mode sendmmsg --rounds 2 --omit 0 --rate 5k --interval 0.1 --json'

const skip = star()
t.teardown(down)

t.test(
  'three senders at the same time, one with loss: three exact accounts, and an exact total',
  { skip },
  async (t) => {
    const folder = t.testdir()
    const before = dropped()
    const receiver = await startReceiver('--json', inNamespace(RECEIVER))
    const senders = SENDERS.map((number) => {
      const line = `--to ${addressOf(number, 'receiver')} ${PLAN} --duration 2`
      return new BenchProcess('send', line.split(' '), inNamespace(sender(number)))
    })
    await Promise.all(senders.map((one) => one.says(/round 1 of 2, \w+, after/)))
    t.ok(
      senders.every(({ child }) => child.exitCode === null),
      'all of them send',
    )
    const files = await Promise.all(
      senders.map(async (one, index) => {
        const { stdout } = await one.finished()
        const file = join(folder, `${index + 1}.json`)
        writeFileSync(file, stdout)
        return { file, results: (JSON.parse(stdout) as BenchDocument).results }
      }),
    )
    const lostByFirewall = dropped() - before
    t.ok(lostByFirewall > 0)
    const received = (JSON.parse((await receiver.end()).stdout) as { results: ReceiveRecord[] }).results
    for (const [index, { results }] of files.entries()) {
      t.equal(results.length, 2)
      const lost = sum(results.map(({ delivered }) => delivered?.lost ?? Number.NaN))
      t.equal(lost, index === 2 ? lostByFirewall : 0, `sender ${index + 1}`)
      for (const { packets, delivered } of results) {
        t.match(delivered, { delivered: packets - (delivered?.lost ?? 0), duplicated: 0, reordered: 0, kernelDrops: 0 })
      }
      const own = received.filter(({ sender: { address } }) => address === addressOf(index + 1, 'sender'))
      t.strictSame(
        own.map(({ packets }) => packets),
        results.map(({ delivered }) => delivered?.delivered),
      )
    }
    const all = files.flatMap(({ results }) => results)
    const { status, stdout } = await bench('merge', [...files.map(({ file }) => file), '--json'].join(' '))
    t.equal(status, 0)
    t.match(JSON.parse(stdout).summary, [
      {
        ...{ mode: 'sendmmsg', files: 3, packets: sum(all.map(({ packets }) => packets)), lost: lostByFirewall },
        delivered: sum(all.map(({ packets }) => packets)) - lostByFirewall,
      },
    ])
  },
)

t.test('two streams of one sender, with loss: both exact', { skip }, async (t) => {
  const before = dropped()
  const receiver = await startReceiver('--json', inNamespace(RECEIVER))
  const line = `--to ${addressOf(3, 'receiver')} ${PLAN} --duration 0.5 --parallel 2`
  const { results, summary } = await benchJson('send', line.replace(' --json', ''), inNamespace(sender(3)))
  const lostByFirewall = dropped() - before
  const received = (JSON.parse((await receiver.end()).stdout) as { results: ReceiveRecord[] }).results
  t.ok(lostByFirewall > 0)
  t.equal(sum(results.map(({ delivered }) => delivered?.lost ?? 0)), lostByFirewall)
  const streams: StreamRecord[] = results.flatMap((round) => round.streams ?? [])
  t.equal(streams.length, 4)
  for (const { packets, delivered } of streams) {
    t.equal((delivered?.delivered ?? 0) + (delivered?.lost ?? 0), packets)
    t.ok(
      received.some((record) => record.packets === delivered?.delivered && record.delivered?.lost === delivered.lost),
    )
  }
  for (const { packets, delivered, streams: both = [] } of results) {
    t.equal(sum(both.map((stream) => stream.packets)), packets)
    t.match(delivered, { delivered: sum(both.map((stream) => stream.delivered?.delivered ?? 0)), duplicated: 0 })
  }
  t.match(summary, [{ lost: lostByFirewall, streams: [{ lost: Number }, { lost: Number }] }])
  t.equal(received.length, 4)
})
