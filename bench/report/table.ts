import { getBorderCharacters, table as layOut } from 'table'

export interface TableModel {
  readonly title: string
  readonly rows: readonly (readonly string[])[]
}

/**
 * Lays text out in columns: the first left-aligned, the others right-aligned.
 *
 * @param rows - of cells; a line is drawn below the first row
 */
export function table(rows: TableModel['rows']): string {
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

export function tableText({ title, rows }: TableModel): string {
  return `${title}\n${table(rows)}`
}
