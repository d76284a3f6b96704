// Reads DUIS messages with @smartdcc/duis-parser: the folder of its node_modules, then files; writes what it makes of each
// as a line of JSON.
const fs = require('node:fs')
const path = require('node:path')

const [folder, ...files] = process.argv.slice(2)
const parser = require(path.join(folder, 'node_modules', '@smartdcc', 'duis-parser'))
const kinds = Object.entries(parser).filter(([name, value]) => name.startsWith('isSimplifiedDuis') && value.length === 1)
for (const file of files) {
  const message = parser.parseDuis('simplified', fs.readFileSync(file))
  const is = kinds.filter(([, test]) => test(message) || test(message.body)).map(([name]) => name)
  console.log(JSON.stringify({ message, is }, (_, value) => (typeof value === 'bigint' ? value.toString() : value)))
}
