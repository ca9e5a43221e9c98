import { hasPassed, type Result } from './result.js'

/** Results of all cases with one Node version. */
export interface Run {
  readonly version: string
  readonly results: Result[]
}

/** Returns one line per result, and one more per problem. */
export function line(version: string, result: Result): string {
  const start = `${verdict(result).padEnd(6)} ${version} ${result.case.name}`
  if (result.skipped !== undefined) return `${start}: ${result.skipped}`
  const problems = Object.entries(result.problems).map(([text, count]) => `\n       ${count} x ${text}`)
  return `${start}, ${result.times} times${problems.join('')}`
}

/** Returns a table of cases and Node versions in Markdown, with the totals below. */
export function summary(runs: readonly Run[]): string {
  const names = runs[0].results.map((result) => result.case.name)
  const header = ['case', ...runs.map(({ version }) => version)]
  const rows = names.map((name, index) => [name, ...runs.map(({ results }) => cell(results[index]))])
  const table = [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  const all = runs.flatMap(({ results }) => results)
  const skipped = all.filter((result) => result.skipped !== undefined).length
  const passed = all.filter(hasPassed).length
  const totals = `${passed} passed, ${all.length - passed - skipped} failed`
  return ['', ...table, '', skipped === 0 ? totals : `${totals}, ${skipped} skipped`].join('\n')
}

function cell(result: Result | undefined): string {
  if (result === undefined) return ''
  if (result.skipped !== undefined) return `skipped: ${result.skipped}`
  const count = Object.values(result.problems).reduce((sum, one) => sum + one, 0)
  return count === 0 ? `ok ${result.times}` : `**${count} problems in ${result.times}**`
}

function verdict(result: Result): string {
  if (result.skipped !== undefined) return 'skip'
  return hasPassed(result) ? 'ok' : 'FAILED'
}
