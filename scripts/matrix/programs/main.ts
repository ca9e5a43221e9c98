import { exchange } from './exchange.js'

exchange().then((result) => console.log(JSON.stringify(result)))
