import type { Session } from '../runner/session.js'
import { whole } from './format.js'
import type { SummaryRow } from './summary.js'

/**
 * What to know about rates of trains that nothing cut: handed over whole to a receiver that takes them whole, a train is
 * one large packet, and its datagrams cost next to nothing. The interface's count gives it away.
 */
export function uncutTrainNotes(
  { control, interfaceName, isLoopback }: Session,
  rows: readonly SummaryRow[],
): string[] {
  if (control?.description?.gro !== true) return []
  return rows.flatMap(({ mode, packets, interfacePackets }) => {
    if (interfacePackets === null || interfacePackets * 2 > packets) return []
    const counts = `${interfaceName} counted ${whole(interfacePackets)} packets for ${whole(packets)} datagrams`
    const unless = isLoopback ? '' : `, unless a device behind ${interfaceName} cut them`
    return [
      `${mode}: ${counts}, and the receiver takes trains whole (GRO): they were never cut${unless}. Its rate is an artefact.`,
    ]
  })
}
