// Prints how many messages a database contains.
const { DatabaseSync } = require('node:sqlite')

const [path] = process.argv.slice(2)
const { stored } = new DatabaseSync(path).prepare('SELECT count(*) AS stored FROM messages').get()
console.log(`${stored} stored`)
