import { getBorderCharacters, table as layOut } from 'table'

/**
 * Text in columns: the first to the left, the others to the right.
 *
 * @param rows - of cells; the first row is the heading and gets a rule
 */
export function table(rows: readonly (readonly string[])[]): string {
  const text = layOut(
    rows.map((row) => [...row]),
    {
      border: { ...getBorderCharacters('void'), bodyJoin: '   ', joinBody: '-', joinJoin: '---' },
      columnDefault: { paddingLeft: 0, paddingRight: 0, alignment: 'right' },
      columns: { 0: { alignment: 'left' } },
      drawHorizontalLine: (line) => line === 1,
    },
  )
  return text.replace(/ +$/gm, '').trimEnd()
}
