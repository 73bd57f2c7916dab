/**
 * The figures of the Raft papers as text: what the cores say and write, step by step. After an intended
 * change: `DPS_TRANSCRIPTS=write npx vitest run test/transcripts`, and read the difference.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { runTranscript } from './driver.js'

const folder = new URL('.', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'))

test.each(names)('transcript: %s', (name) => {
  const path = new URL(name, folder)
  const expected = readFileSync(path, 'utf8')
  const actual = runTranscript(expected)
  if (process.env.DPS_TRANSCRIPTS === 'write') writeFileSync(path, actual)
  else expect(actual).toBe(expected)
})

test('transcript: a changed line is noticed', () => {
  const [name] = names
  const text = readFileSync(new URL(name!, folder), 'utf8')
  const broken = text.replace(/^a: .*$/m, 'a: something else')
  expect(broken).not.toBe(text)
  expect(runTranscript(broken)).toBe(text)
})
