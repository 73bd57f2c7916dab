/** Puts for ever, and prints a digest once a barrier has covered it; its parent kills it. */
import { createHash } from 'node:crypto'
import { LevelChunkStore } from '../../src/store/index.js'

const [path, seed] = process.argv.slice(2)
const store = new LevelChunkStore({}, { path: path!, ballastBytes: 0 })

/** Bytes that follow from their name, so that the parent can check them. */
export function bytesOf(name: string, sizeBytes: number): Buffer {
  return Buffer.alloc(sizeBytes, createHash('sha256').update(name).digest())
}

async function writer(id: number): Promise<void> {
  for (let n = 0; ; n++) {
    const names: string[] = []
    const chunks = [100, 5000, 300_000].slice(0, 1 + (n % 3)).map((sizeBytes, i) => {
      const name = `${seed}/${id}/${n}/${i}/${sizeBytes}`
      names.push(name)
      const bytes = bytesOf(name, sizeBytes)
      const digest = new Uint8Array(createHash('sha256').update(bytes).digest())
      return { digest, kind: 'chunk' as const, bytes }
    })
    await store.put(chunks)
    await store.barrier()
    process.stdout.write(`${names.join('\n')}\n`)
  }
}

await store.start()
process.stdout.write('ready\n')
await Promise.all([0, 1, 2, 3].map(writer))
