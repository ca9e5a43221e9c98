/** 1234567 as `1,234,567`. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** With so many decimals, and thousands separated. */
export function decimal(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** A share of 1 as a percentage. */
export function percent(share: number): string {
  const digits = share > 0 && share < 0.01 ? 3 : 1
  return `${decimal(share * 100, digits)} %`
}

/** Bits a second in gigabits. */
export function gigabits(bitsPerSecond: number): string {
  return decimal(bitsPerSecond / 1e9, 3)
}

/** Bytes in MiB. */
export function mebibytes(bytes: number): string {
  return `${decimal(bytes / 2 ** 20, 1)} MiB`
}
