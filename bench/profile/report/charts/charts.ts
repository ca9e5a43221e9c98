import type { ProfileDocument } from '../document.js'
import { openCanvas } from './canvas.js'
import type { Chart } from './chart.js'
import { ladderChart } from './ladder-chart.js'
import { lineCharts } from './line-charts.js'
import { strategyChart } from './strategy-chart.js'
import { throughputChart } from './throughput-chart.js'

/** All pictures of the report. */
export async function drawCharts(document: ProfileDocument): Promise<Chart[]> {
  const canvas = await openCanvas()
  return [
    ladderChart(canvas, document),
    ...lineCharts(canvas, document),
    throughputChart(canvas, document),
    strategyChart(canvas, document),
  ]
}
