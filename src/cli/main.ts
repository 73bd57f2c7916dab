/** The executable: argv → exit code. Imported by `bin/dps-node.cjs`. */
import { processIo } from './io.js'
import { run } from './run.js'

const io = processIo()
const code = await run(process.argv.slice(2), io)
// Whatever still holds the loop (a kept-alive socket) must not hold the prompt.
process.exit(code)
