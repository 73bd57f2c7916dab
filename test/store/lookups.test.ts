import { expect, test } from 'vitest'
import { sha256 } from '../../src/content/index.js'
import type { Location } from '../../src/store/keys.js'
import { Lookups } from '../../src/store/lookups.js'

const digests = ['a', 'b', 'c'].map((text) => sha256(Buffer.from(text)))
const place = (sequence: number): Location => ({
  kind: 'chunk',
  sizeBytes: 1,
  dataCrc: 0,
  sequence,
})

test('lookups: those of one turn are one look, each with its own answer', async () => {
  const looks: number[] = []
  const lookups = new Lookups(async (asked) => {
    looks.push(asked.length)
    return asked.map((digest) => {
      const at = digests.indexOf(digest as (typeof digests)[0])
      return at === 1 ? undefined : place(at)
    })
  })
  const found = await Promise.all(digests.map((digest) => lookups.find(digest)))
  expect(found.map((at) => at?.sequence)).toEqual([0, undefined, 2])
  expect((await lookups.find(digests[2]!))?.sequence).toBe(2)
  expect(looks).toEqual([3, 1])
})

test('lookups: a look that failed fails its own calls only', async () => {
  let fails = true
  const lookups = new Lookups(async (asked) => {
    if (fails) throw new Error('no disk')
    return asked.map(() => place(7))
  })
  const all = await Promise.allSettled(digests.map((digest) => lookups.find(digest)))
  expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  fails = false
  expect((await lookups.find(digests[0]!))?.sequence).toBe(7)
})
