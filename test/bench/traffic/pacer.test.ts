import t from 'tap'
import { type Clock, Pacer, pacedBatch, SendSchedule, systemClock } from '../../../bench/traffic/sender.js'

/** A clock that advances only when it is read, or during a sleep. */
class FakeClock implements Clock {
  timeMs = 1000
  lookMs = 0.001
  looks = 0
  sleeps: number[] = []

  nowMs(): number {
    this.looks += 1
    this.timeMs += this.lookMs
    return this.timeMs
  }

  sleepMs(durationMs: number): void {
    this.sleeps.push(durationMs)
    this.timeMs += durationMs + 0.08
  }
}

const FOREVER = Number.POSITIVE_INFINITY

t.test('packet n is due n / rate after the start', async (t) => {
  const clock = new FakeClock()
  const pacer = new Pacer(1000, 64, 64, clock)
  pacer.begin()
  const startMs = clock.timeMs
  for (const packet of [0, 64, 128, 640]) {
    t.equal(pacer.waitFor(packet, FOREVER), 64)
    t.ok(Math.abs(clock.timeMs - startMs - packet) < 0.2, `packet ${packet} after ${clock.timeMs - startMs} ms`)
  }
})

t.test('it sleeps, and never spins', async (t) => {
  const clock = new FakeClock()
  const pacer = new Pacer(1000, 1, 1, clock)
  pacer.begin()
  for (let packet = 0; packet <= 100; packet += 1) pacer.waitFor(packet, FOREVER)
  t.equal(clock.sleeps.length, 100)
  t.ok(clock.looks <= 303, `${clock.looks} looks at the clock`)
})

t.test('it sleeps until half a burst is due', async (t) => {
  const clock = new FakeClock()
  const pacer = new Pacer(100_000, 1, 1, clock)
  const sent = burstsOf(pacer, clock, 1, 1000).reduce((sum, burst) => sum + burst, 0)
  t.ok(sent > 99_900, `${sent} packets`)
  t.ok(clock.sleeps.length < 2001, `${clock.sleeps.length} sleeps for 100,000 packets`)
})

t.test('a sleep that ends early is continued', async (t) => {
  const clock = new FakeClock()
  clock.sleepMs = (durationMs) => {
    clock.timeMs += durationMs / 2
  }
  const pacer = new Pacer(1000, 1, 1, clock)
  pacer.begin()
  const startMs = clock.timeMs
  t.equal(pacer.waitFor(10, FOREVER), 1)
  t.ok(clock.timeMs - startMs >= 10)
})

t.test('it never waits beyond the end', async (t) => {
  const clock = new FakeClock()
  const pacer = new Pacer(10, 1, 1, clock)
  pacer.begin()
  const untilMs = clock.timeMs + 20
  t.equal(pacer.waitFor(1, untilMs), 0)
  t.ok(clock.timeMs >= untilMs && clock.timeMs < untilMs + 1)
  t.equal(pacer.waitFor(0, untilMs), 1, 'what is due is due, even then')
})

/** Sends for a time. Returns how many packets left at once, each time it waited. */
function burstsOf(pacer: Pacer, clock: FakeClock, batch: number, durationMs: number): number[] {
  const bursts: number[] = []
  let sleeps = -1
  pacer.begin()
  const untilMs = clock.timeMs + durationMs
  for (let packet = 0; pacer.waitFor(packet, untilMs) > 0; packet += batch) {
    if (clock.sleeps.length === sleeps) bursts[bursts.length - 1] += batch
    else bursts.push(batch)
    sleeps = clock.sleeps.length
  }
  return bursts
}

for (const [rate, batch, burstMs, largest] of [
  [1000, 1, 1, 1],
  [10_000, 10, 1, 10],
  [100_000, 64, 1, 64],
  [300_000, 64, 1, 256],
  [20_000, 1, 5, 100],
]) {
  t.test(`${rate}/s in batches of ${batch}: at most ${largest} packets at once, and all of them`, async (t) => {
    const clock = new FakeClock()
    clock.lookMs = 0
    const pacer = new Pacer(rate, batch, burstMs, clock)
    const bursts = burstsOf(pacer, clock, batch, 10_000)
    t.ok(Math.max(...bursts) <= largest, `bursts of up to ${Math.max(...bursts)}`)
    const sent = bursts.reduce((sum, burst) => sum + burst, 0)
    t.ok(Math.abs(sent / (rate * 10) - 1) < 0.005, `${sent} packets in ten seconds`)
  })
}

t.test('delays up to 50 ms are caught up, of longer ones 50 ms', async (t) => {
  const clock = new FakeClock()
  clock.lookMs = 0
  const pacer = new Pacer(1000, 5, 5, clock)
  pacer.begin()
  const startMs = clock.timeMs
  clock.timeMs += 30.5
  t.equal(pacer.waitFor(0, FOREVER), 35, 'packets 0 to 34: seven batches')
  t.equal(pacer.waitFor(30, FOREVER), 5)
  pacer.waitFor(35, FOREVER)
  t.ok(clock.timeMs - startMs >= 35 && clock.timeMs - startMs < 35.1, 'on schedule again')
  clock.timeMs += 1000
  t.equal(pacer.waitFor(40, FOREVER), 55)
  const lateMs = clock.timeMs
  t.equal(pacer.waitFor(95, FOREVER), 5)
  t.ok(clock.timeMs - lateMs >= 5, 'the schedule was moved')
})

t.test('the largest burst is reported', async (t) => {
  const schedule = new SendSchedule(5, { packetsPerSecond: 100_000, burstMs: 1 })
  t.equal(schedule.counts.largestBurst, undefined)
  schedule.begin(1)
  systemClock.sleepMs(5)
  t.equal(schedule.next(FOREVER), 5)
  t.ok(Number(schedule.counts.largestBurst) >= 495, 'what was due within 5 ms')
  schedule.begin(2)
  t.equal(schedule.counts.largestBurst, undefined)
  const unlimited = new SendSchedule(5, { packetsPerSecond: undefined, burstMs: 1 })
  unlimited.begin(1)
  t.ok(unlimited.next(FOREVER) > 0)
  t.equal(unlimited.counts.largestBurst, undefined)
})

t.test('slow rates get small batches', async (t) => {
  const of = (packetsPerSecond: number | undefined, burstMs: number) => pacedBatch(64, { packetsPerSecond, burstMs })
  t.equal(of(undefined, 1), 64)
  t.equal(of(200_000, 1), 64)
  t.equal(of(10_000, 1), 10)
  t.equal(of(1000, 50), 50)
  t.equal(of(1000, 1), 1)
  t.equal(of(1, 1), 1)
})

t.test('the real clock goes on, and sleeps', async (t) => {
  const before = systemClock.nowMs()
  systemClock.sleepMs(5)
  t.ok(systemClock.nowMs() - before >= 4.9)
})
