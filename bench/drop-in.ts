import { run } from './main.js'

run('drop-in')
