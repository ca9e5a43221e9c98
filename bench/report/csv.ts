/**
 * Formats rows as CSV (RFC 4180): a line of column names, then a line per row. Columns are the keys, nested keys joined by dots;
 * items of a list are numbered from 1. Unknown values are empty cells.
 */
export function csv(rows: readonly object[]): string {
  const flat = rows.map((row) => new Map(cellsOf(row)))
  const names = [...new Set(flat.flatMap((row) => [...row.keys()]))]
  // What is null in one row can have keys in another.
  const columns = names.filter((name) => !names.some((other) => other.startsWith(`${name}.`)))
  const lines = [columns, ...flat.map((row) => columns.map((name) => row.get(name)))]
  return lines.map((cells) => cells.map(quoted).join(',')).join('\n')
}

function cellsOf(value: object, prefix = ''): [string, unknown][] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const name = prefix + (Array.isArray(value) ? Number(key) + 1 : key)
    return typeof inner === 'object' && inner !== null ? cellsOf(inner, `${name}.`) : [[name, inner]]
  })
}

function quoted(value: unknown): string {
  // Spreadsheets would run text of another host that begins like a formula.
  const text = typeof value === 'string' ? value.replace(/^(?=[=+\-@\t\r])/, "'") : String(value ?? '')
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
