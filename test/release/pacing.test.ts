import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { bench, benchJson, useOwnLoopback } from '../bench/support.js'

// Each command is a process of its own, and machines differ.
t.setTimeout(240_000)

t.before(() => useOwnLoopback(t))

const ALL_MODES = 'sendmsg,sendmmsg,gso,sendmmsg+gso,dgram,batchconn-dgram'

t.test('connected, headers built again for each batch, paced', async (t) => {
  const line = '--duration 0.5 --rounds 1 --omit 0 --connect --prepare batch --rate 20k --batch 32'
  const { config, results } = await benchJson('send', `${line} --mode ${ALL_MODES}`)
  t.match(config, { connect: true, prepare: 'batch', packetsPerSecond: 20_000 })
  for (const { mode, packets, seconds, delivered, achievedBatch, largestBurst } of results) {
    t.equal(delivered?.delivered, packets, `${mode}: at this rate nothing is lost`)
    t.ok(achievedBatch <= 20 && largestBurst !== null, `${mode}: a millisecond per call`)
    // Not that it is fast, but that it is no faster than the schedule: a batch early at the most.
    t.ok(packets <= seconds * 20_000 + 64, `${mode}: ${packets} in ${seconds} s`)
  }
})

t.test('--burst-ms: how many datagrams leave at once, and in one call', async (t) => {
  for (const [burstMs, most] of [
    [0.01, 1],
    [5, 50],
  ]) {
    const line = `--duration 0.2 --rounds 1 --omit 0 --rate 10k --burst-ms ${burstMs} --mode ${ALL_MODES}`
    const { config, results } = await benchJson('send', line)
    t.match(config, { burstMs, kernelPacing: false })
    for (const { mode, packets, systemCalls, largestBurst } of results) {
      const perCall = /^(sendmsg|dgram)$/.test(mode) ? 1 : mode === 'gso' ? Math.min(40, most) : most
      t.ok(packets > 0 && packets <= systemCalls * perCall, `${mode}: ${packets} packets in ${systemCalls} calls`)
      // On a busy machine the sender is delayed, and what is due then leaves at once.
      t.ok(
        (largestBurst ?? 0) >= Math.min(40, perCall) && (largestBurst ?? 0) <= packets,
        `${mode}: ${largestBurst} at once`,
      )
    }
  }
  const { stdout } = await bench('send', '--duration 0.1 --rounds 1 --omit 0 --rate 10k --mode sendmmsg')
  t.match(stdout, /^paced by the sender at 10,000 packets\/s, at most 1 ms of them at once$/m)
  t.match(stdout, /^largest burst +[\d,]*0$/m, 'batches of ten')
})

t.test('with fq on the interface, the kernel paces as well', async (t) => {
  const folder = t.testdir()
  // This kernel may lack fq: a command named tc reports it.
  writeFileSync(join(folder, 'tc'), '#!/bin/sh\necho "qdisc fq 8001: root refcnt 2 limit 10000p"\n', { mode: 0o755 })
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` }
  const line = '--duration 0.1 --rounds 1 --omit 0 --mode sendmmsg,dgram'
  const { stdout, status } = await bench('send', `${line} --rate 10k`, { env })
  t.equal(status, 0)
  t.match(stdout, /^paced by the sender at .* at once, and by fq on lo \(not dgram, batchconn-dgram\)$/m)
  t.match((await benchJson('send', line, { env })).config, { kernelPacing: false }, 'without a rate, it is not set')
})
