/** Temporary folders that are gone when the test is. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'

/**
 * Runs `clean` when the current test ends; when no test is running (a `beforeAll`, the top of a
 * file), when the file ends. Cleaners run in reverse order.
 */
export function cleanUp(clean: () => void | Promise<void>): void {
  try {
    onTestFinished(clean)
  } catch {
    atEndOfFile.push(clean)
  }
}

const atEndOfFile: (() => void | Promise<void>)[] = []

afterAll(async () => {
  for (let clean = atEndOfFile.pop(); clean !== undefined; clean = atEndOfFile.pop()) {
    await clean()
  }
})

/** A new empty folder, removed with everything in it when the test (or file) ends. */
export function tempDir(prefix = 'dps-test-'): string {
  const path = mkdtempSync(join(tmpdir(), prefix))
  cleanUp(() => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }))
  return path
}

/** Resolves with the first answer that is not undefined or false; bounded, and says what it waited for. */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs = 15_000, everyMs = 25 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const answer = await probe()
      if (answer !== undefined && answer !== false) return answer
      last = undefined
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${timeoutMs} ms`, { cause: last })
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
