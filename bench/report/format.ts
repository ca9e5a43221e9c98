import { getBorderCharacters, table as layOut } from 'table'

/** 1234567 as `1,234,567`. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** `1 round`, `2 rounds`. */
export function counted(count: number, noun: string): string {
  return `${whole(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** A number with this many decimals, and thousands separators. */
export function decimal(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** A share of 1 as a percentage; a small one with three decimals. */
export function percent(share: number): string {
  const size = Math.abs(share)
  return `${decimal(share * 100, size > 0 && size < 0.01 ? 3 : 1)} %`
}

/** A share of 1 as a percentage with its sign. */
export function signedPercent(share: number): string {
  return `${share < 0 ? '-' : '+'}${decimal(Math.abs(share) * 100, 1)} %`
}

/** Bits per second in gigabits. */
export function gigabits(bitsPerSecond: number): string {
  return decimal(bitsPerSecond / 1e9, 3)
}

/** Bytes in MiB. */
export function mebibytes(bytes: number): string {
  return `${decimal(bytes / 2 ** 20, 1)} MiB`
}

/** Number and order of the destinations, after a comma; empty for one destination. */
export function spreadText(destinations: number, grouped: boolean): string {
  return destinations === 1 ? '' : `, ${destinations} destinations ${grouped ? 'one after the other' : 'in turn'}`
}

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
  return `${title === '' ? '' : `${title}\n`}${table(rows)}`
}
