import { probe } from '../../../src/index.js'

// probe-interface NAME: prints the result of probe() for that interface, as JSON.
console.log(JSON.stringify(probe({ interface: process.argv[2] }).interface))
