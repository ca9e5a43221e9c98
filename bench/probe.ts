import { probe } from '../src/index.js'
import { Failure, runCommand } from './failure.js'
import { parseProbeOptions } from './options/probe-options.js'
import { printDocument } from './report/document.js'
import { probeDocument, probeText } from './report/probe-report.js'

/** `bench/probe.ts`: what this kernel and machine give, each by trying it. */
void runCommand('probe', async () => {
  const { interfaceName, json } = parseProbeOptions(process.argv.slice(2))
  const report = tryAll(interfaceName)
  if (json) printDocument(probeDocument(report))
  else process.stdout.write(`${probeText(report)}\n`)
})

function tryAll(interfaceName: string | undefined): ReturnType<typeof probe> {
  try {
    return probe(interfaceName === undefined ? {} : { interface: interfaceName })
  } catch (error) {
    throw new Failure((error as Error).message)
  }
}
