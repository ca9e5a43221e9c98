import { cumulativeStdNormalProbability } from 'simple-statistics'

/**
 * Corrects for many comparisons (Holm, 1979): with twenty of them, one would seem to differ by chance alone.
 *
 * @returns for each p-value what it becomes: below 0.05, it stands for all of them together
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, index) => index).sort((one, other) => pValues[one] - pValues[other])
  const adjusted = new Array<number>(pValues.length)
  let largest = 0
  for (const [rank, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, pValues[index] * (pValues.length - rank)))
    adjusted[index] = largest
  }
  return adjusted
}

/** How probable it is that a value so many standard errors from nothing comes about by chance, on either side. */
export function twoSidedP(difference: number, standardError: number): number {
  if (!(standardError > 0)) return difference === 0 ? 1 : 0
  return 2 * cumulativeStdNormalProbability(-Math.abs(difference / standardError))
}
