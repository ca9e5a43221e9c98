import t from 'tap'
import { ControlWriter } from '../../src/layout/control.js'
import { ErrorReport } from '../../src/layout/error-report.js'
import * as c from '../../src/libc/constants.js'

/** A sock_extended_err (linux/errqueue.h), followed by 4 bytes. */
function report(level: number, type: number, byteLength = 20): { view: DataView; byteLength: number } {
  const view = new DataView(new ArrayBuffer(128))
  const writer = new ControlWriter(view)
  writer.reset(8, 120)
  writer.append(c.SOL_SOCKET, c.SO_TIMESTAMPNS, 16)
  const at = writer.append(level, type, byteLength)
  const values = [111, 0, 7, 9, 0]
  for (const [index, value] of values.entries()) if (index * 4 < byteLength) view.setUint32(at + index * 4, value, true)
  view.setUint32(at + 4, 0x00_01_03_05, true)
  return { view, byteLength: writer.byteLength }
}

t.test('a report is found after other control messages, of either protocol', async (t) => {
  for (const [level, type] of [
    [c.IPPROTO_IP, c.IP_RECVERR],
    [c.IPPROTO_IPV6, c.IPV6_RECVERR],
  ] as const) {
    const { view, byteLength } = report(level, type)
    const found = new ErrorReport(view)
    found.find(8, byteLength)
    t.equal(found.isFound, true)
    t.match(found, { errno: 111, origin: 5, type: 3, code: 1, info: 7, data: 9, offenderBytes: 4 })
  }
})

t.test('without a report, or with a short one, all fields are 0', async (t) => {
  const cases = [
    report(c.IPPROTO_IP, c.IP_TTL),
    report(c.IPPROTO_IP, c.IPV6_RECVERR),
    report(c.IPPROTO_IP, c.IP_RECVERR, 12),
  ]
  for (const { view, byteLength } of cases) {
    const found = new ErrorReport(view)
    found.find(8, byteLength)
    t.equal(found.isFound, false)
    t.match(found, { errno: 0, origin: 0, type: 0, code: 0, info: 0, data: 0, offenderBytes: 0 })
  }
})
