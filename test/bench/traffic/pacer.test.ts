import t from 'tap'
import { type Clock, Pacer, pacedBatch, systemClock } from '../../../bench/traffic/send-schedule.js'

/** A clock that advances only when it is read, or during a sleep. */
class FakeClock implements Clock {
  timeMs = 1000
  looks = 0
  sleeps: number[] = []

  nowMs(): number {
    this.looks += 1
    this.timeMs += 0.001
    return this.timeMs
  }

  sleepMs(durationMs: number): void {
    this.sleeps.push(durationMs)
    this.timeMs += durationMs + 0.08
  }
}

t.test('packet n is due n / rate after the start', async (t) => {
  const clock = new FakeClock()
  const pacer = new Pacer(1000, clock)
  pacer.begin()
  const startMs = clock.timeMs
  for (const packet of [0, 64, 128, 640]) {
    t.equal(pacer.waitFor(packet, Number.POSITIVE_INFINITY), true)
    t.ok(Math.abs(clock.timeMs - startMs - packet) < 0.2, `packet ${packet} after ${clock.timeMs - startMs} ms`)
  }
})

t.test('it sleeps through long gaps and spins only at their end', async (t) => {
  const clock = new FakeClock()
  const pacer = new Pacer(1000, clock)
  pacer.begin()
  pacer.waitFor(100, Number.POSITIVE_INFINITY)
  t.equal(clock.sleeps.length, 1)
  t.ok(clock.sleeps[0] > 99 && clock.sleeps[0] < 100)
  t.ok(clock.looks < 1000, `${clock.looks} looks at the clock`)
  pacer.waitFor(100.5, Number.POSITIVE_INFINITY)
  t.equal(clock.sleeps.length, 1, 'half a millisecond is not slept')
})

t.test('it never waits beyond the end', async (t) => {
  const clock = new FakeClock()
  const pacer = new Pacer(10, clock)
  pacer.begin()
  const untilMs = clock.timeMs + 20
  t.equal(pacer.waitFor(1, untilMs), false)
  t.ok(clock.timeMs >= untilMs && clock.timeMs < untilMs + 1)
  t.equal(pacer.waitFor(0, untilMs), true, 'what is due is due, even then')
})

t.test('a little delay is caught up with, a long one is let go', async (t) => {
  const clock = new FakeClock()
  const pacer = new Pacer(1000, clock)
  pacer.begin()
  const startMs = clock.timeMs
  clock.timeMs += 30
  t.equal(pacer.waitFor(29, clock.timeMs), true, 'at once')
  pacer.waitFor(40, Number.POSITIVE_INFINITY)
  t.ok(Math.abs(clock.timeMs - startMs - 40) < 0.2, 'on schedule again')
  clock.timeMs += 1000
  pacer.waitFor(41, Number.POSITIVE_INFINITY)
  const lateMs = clock.timeMs
  t.equal(pacer.waitFor(42 + 60, Number.POSITIVE_INFINITY), true)
  t.ok(clock.timeMs - lateMs > 10, 'not a thousand packets in a burst')
})

t.test('slow rates get small batches', async (t) => {
  t.equal(pacedBatch(64, undefined), 64)
  t.equal(pacedBatch(64, 200_000), 64)
  t.equal(pacedBatch(64, 1000), 50)
  t.equal(pacedBatch(64, 1), 1)
})

t.test('the real clock goes on, and sleeps', async (t) => {
  const before = systemClock.nowMs()
  systemClock.sleepMs(5)
  t.ok(systemClock.nowMs() - before >= 4.9)
})
