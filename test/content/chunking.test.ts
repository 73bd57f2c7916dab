import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  AUTO_CHUNKING,
  type Chunking,
  checkChunking,
  chunkCount,
  chunkSizeAt,
  cutterFor,
  effectiveChunking,
  equalChunking,
  FastCdc,
  type FastCdcChunking,
  type FixedChunking,
  fastCdcChunking,
  fixedChunking,
  MAX_CHUNK_BYTES,
  MIN_CHUNK_BYTES,
  offsetOfChunk,
} from '../../src/content/index.js'
import { codeOf, cutAll, randomBytes } from './support.js'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

/** Small thresholds of the same form as the default's, so that tests can cross them. */
const STEPS: FixedChunking = {
  kind: 'fixed',
  steps: [
    { fromOffset: 0, sizeBytes: 64 * KIB },
    { fromOffset: 256 * KIB, sizeBytes: 128 * KIB },
    { fromOffset: 512 * KIB, sizeBytes: 96 * KIB },
  ],
}
const CDC: FastCdcChunking = {
  kind: 'fastcdc',
  minBytes: 64 * KIB,
  avgBytes: 128 * KIB,
  maxBytes: 256 * KIB,
  normalization: 2,
}

test('chunking: the thresholds of the default are the contract', () => {
  expect(AUTO_CHUNKING).toEqual({
    kind: 'fixed',
    steps: [
      { fromOffset: 0, sizeBytes: 262_144 },
      { fromOffset: 268_435_456, sizeBytes: 1_048_576 },
      { fromOffset: 17_179_869_184, sizeBytes: 2_097_152 },
    ],
  })
  const at = (offset: number) => chunkSizeAt(AUTO_CHUNKING, offset)
  expect([0, 256 * MIB - 1, 256 * MIB, 16 * GIB - 1, 16 * GIB, 2 ** 47].map(at)).toEqual([
    256 * KIB,
    256 * KIB,
    MIB,
    MIB,
    2 * MIB,
    2 * MIB,
  ])
})

test('chunking: the effective parameters are the steps that the size reached', () => {
  const steps = (size: number) => effectiveChunking(AUTO_CHUNKING, size).steps.length
  expect([0, 1, 256 * MIB, 256 * MIB + 1, 16 * GIB, 16 * GIB + 1].map(steps)).toEqual([
    1, 1, 1, 2, 2, 3,
  ])
  const explicit = fixedChunking(256 * KIB)
  expect(equalChunking(effectiveChunking(AUTO_CHUNKING, 256 * MIB), explicit)).toBe(true)
  expect(equalChunking(effectiveChunking(AUTO_CHUNKING, 256 * MIB + 1), explicit)).toBe(false)
  expect(effectiveChunking(fastCdcChunking(), 1)).toEqual(fastCdcChunking())
})

test('chunking: sizes outside 64 KiB to 4 MiB are refused', () => {
  for (const size of [64 * KIB, 64 * KIB + 1, 100_000, 4 * MIB]) {
    expect(fixedChunking(size).steps).toEqual([{ fromOffset: 0, sizeBytes: size }])
  }
  for (const size of [0, -1, 1, 64 * KIB - 1, 4 * MIB + 1, 65_536.5, Number.NaN, Infinity]) {
    expect(codeOf(() => fixedChunking(size), 'INVALID_ARGUMENT').hint).toMatch(/64KiB to 4MiB/)
  }
})

test('chunking: parameters with two spellings or open ends are refused', () => {
  const first = { fromOffset: 0, sizeBytes: 64 * KIB }
  const bad: Chunking[] = [
    { kind: 'fixed', steps: [] },
    { kind: 'fixed', steps: [{ fromOffset: 1, sizeBytes: 64 * KIB }] },
    { kind: 'fixed', steps: [first, first] },
    { kind: 'fixed', steps: [first, { fromOffset: 64 * KIB, sizeBytes: 64 * KIB }] },
    { kind: 'fixed', steps: [first, { fromOffset: 64 * KIB + 1, sizeBytes: MIB }] },
    { kind: 'fixed', steps: [first, { fromOffset: 2 ** 60, sizeBytes: MIB }] },
    {
      kind: 'fixed',
      steps: Array.from({ length: 17 }, (_, i) => ({
        fromOffset: i * 128 * KIB,
        sizeBytes: i % 2 === 0 ? 64 * KIB : 128 * KIB,
      })),
    },
    { ...CDC, minBytes: 32 * KIB },
    { ...CDC, avgBytes: 100 * KIB },
    { ...CDC, maxBytes: 8 * MIB },
    { ...CDC, maxBytes: CDC.avgBytes },
    { ...CDC, minBytes: CDC.avgBytes },
    { ...CDC, normalization: 4 },
    { ...CDC, normalization: -1 },
  ]
  for (const chunking of bad) codeOf(() => checkChunking(chunking), 'INVALID_ARGUMENT')
  for (const chunking of [AUTO_CHUNKING, STEPS, CDC, fastCdcChunking()]) checkChunking(chunking)
})

const content = fc
  .tuple(fc.integer({ min: 0, max: 1_500_000 }), fc.integer(), fc.constantFrom(0, 1, 2))
  .map(([length, seed, texture]) => {
    const bytes = randomBytes(length, seed)
    // Runs of one byte have no boundary at all; a short period has many or none.
    if (texture === 1) bytes.fill(seed & 255, length >> 2, length >> 1)
    if (texture === 2) for (let i = 256; i < length; i++) bytes[i] = bytes[i - 256]!
    return bytes
  })
const chunkings = fc.constantFrom<Chunking>(STEPS, fixedChunking(100_000), CDC)

test('chunking: chunks joined are the content, and of the sizes that were asked for', () => {
  fc.assert(
    fc.property(chunkings, content, (chunking, bytes) => {
      const chunks = cutAll(chunking, bytes)
      expect(Buffer.compare(Buffer.concat(chunks), bytes)).toBe(0)
      if (chunking.kind === 'fixed') expect(chunks.length).toBe(chunkCount(chunking, bytes.length))
      let offset = 0
      for (const [index, chunk] of chunks.entries()) {
        const isLast = index === chunks.length - 1
        if (chunking.kind === 'fixed') {
          expect(offsetOfChunk(chunking, index)).toBe(offset)
          const size = chunkSizeAt(chunking, offset)
          expect(chunk.length).toBe(Math.min(size, bytes.length - offset))
        } else {
          expect(chunk.length).toBeLessThanOrEqual(chunking.maxBytes)
          if (!isLast) expect(chunk.length).toBeGreaterThanOrEqual(chunking.minBytes)
        }
        offset += chunk.length
      }
    }),
    { numRuns: 60 },
  )
})

test('chunking: where the pieces of a stream end moves no boundary', () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(chunkings, content, pieces, (chunking, bytes, sizes) => {
      const cutter = cutterFor(chunking)
      const lengths: number[] = []
      let start = 0
      let have = 0
      for (let turn = 0; start < bytes.length; turn++) {
        have = Math.min(bytes.length, have + sizes[turn % sizes.length]!)
        for (;;) {
          const length = cutter.cut(bytes.subarray(start, have), have === bytes.length)
          if (length === 0) break
          expect(have - start <= cutter.maxBytes || length > 0).toBe(true)
          lengths.push(length)
          start += length
        }
      }
      expect(lengths).toEqual(cutAll(chunking, bytes).map((chunk) => chunk.length))
    }),
    { numRuns: 60 },
  )
})

/** The paper's loop, one byte per step, with nothing kept between calls. */
function referenceCut(bytes: Uint8Array, chunking: FastCdcChunking): number {
  const { minBytes, avgBytes, maxBytes, normalization } = chunking
  const bits = Math.log2(avgBytes)
  const mask = (n: number) => ((1n << BigInt(n)) - 1n) << BigInt(31 - n)
  const end = Math.min(bytes.length, maxBytes)
  let hash = 0n
  for (let i = minBytes; i < end; i++) {
    const gear = createHash('sha256').update(`dps fastcdc gear ${bytes[i]}`).digest()
    GEAR[bytes[i]!] ??= BigInt(gear.readUInt32BE(0))
    hash = ((hash << 1n) + GEAR[bytes[i]!]!) & 0xffff_ffffn
    const wanted = i < avgBytes ? bits + normalization : bits - normalization
    if ((hash & mask(wanted)) === 0n) return i
  }
  return end
}
const GEAR: bigint[] = []

test('fastcdc: boundaries are those of the paper, with the pinned gear table', () => {
  const cdc = new FastCdc(CDC)
  const bytes = randomBytes(1_200_000, 99)
  for (let at = 0; at < bytes.length; ) {
    const rest = bytes.subarray(at)
    const length = cdc.cut(rest, true)
    expect(length).toBe(referenceCut(rest, CDC))
    at += length
  }
}, 60_000)

test('fastcdc: golden boundaries', () => {
  const lengths = (chunking: FastCdcChunking) =>
    cutAll(chunking, randomBytes(3_000_000, 1)).map((chunk) => chunk.length)
  expect(lengths(fastCdcChunking())).toEqual([
    288_660, 448_123, 334_147, 262_776, 287_157, 372_832, 307_377, 265_271, 373_186, 60_471,
  ])
  expect(lengths(CDC)).toEqual([
    136_228, 149_119, 177_265, 154_299, 125_748, 90_392, 180_780, 180_869, 139_006, 218_551,
    176_097, 141_297, 216_156, 215_265, 134_350, 135_470, 133_960, 170_784, 118_296, 6_068,
  ])
})

test('fastcdc: sizes centre on the average, and an insertion moves few boundaries', () => {
  const bytes = randomBytes(24 * MIB, 5)
  const chunks = cutAll(fastCdcChunking(), bytes)
  const mean = bytes.length / chunks.length
  expect(mean).toBeGreaterThan(200 * KIB)
  expect(mean).toBeLessThan(330 * KIB)
  const hashes = (list: Uint8Array[]) =>
    list.map((chunk) => createHash('sha256').update(chunk).digest('hex'))
  const shifted = Buffer.concat([bytes.subarray(0, 1000), Buffer.from('!'), bytes.subarray(1000)])
  const before = new Set(hashes(chunks))
  const after = hashes(cutAll(fastCdcChunking(), shifted))
  const fresh = after.filter((hash) => !before.has(hash))
  expect(fresh.length).toBeLessThan(6)
})

test('chunking: limits', () => {
  expect(MIN_CHUNK_BYTES).toBe(65_536)
  expect(MAX_CHUNK_BYTES).toBe(4_194_304)
})
