import { probe } from '../../../src/index.js'

// probe-interface NAME: what probe() finds over that interface, as JSON.
console.log(JSON.stringify(probe({ interface: process.argv[2] }).interface))
