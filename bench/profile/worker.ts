import { serve } from '../engine/sample.js'
import type { Work } from './cases/cases.js'
import { openOperation } from './operations/operations.js'

// A worker process. Arguments: its scheduling, and where to send.
const [scheduling, to] = process.argv.slice(2)
serve((work: Work) => openOperation(work, JSON.parse(to)), scheduling === 'real-time')
