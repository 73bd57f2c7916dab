/**
 * Bytes and names that must never change. All of them were written down from an encoder of a few
 * lines in another language, not from this code.
 */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  AUTO_CHUNKING,
  type Chunking,
  cidOf,
  DirectoryTreeBuilder,
  digestOf,
  FileTreeBuilder,
  fastCdcChunking,
  fixedChunking,
  formatCid,
  parseCid,
  sha256,
} from '../../src/content/index.js'
import { Blocks, fileOf } from './support.js'

const KIB = 1024
const MIB = 1024 * KIB
const HELLO = new TextEncoder().encode('hello world\n')
const EMPTY_CID = 'zaXvQKZ6uxvGb5rQZKQbRNvVFjkz3YoP6TsMeQcHAdpTMhU7E'
const HELLO_CID = 'zaXvQTVFoe7tcvhP9Ze7QNW85hg92pcdZD9G7Q4nY3H52rcb1'

async function golden(bytes: Uint8Array, chunking: Chunking) {
  const blocks = new Blocks()
  const { cid } = await fileOf(bytes, chunking, blocks)
  const manifest = await blocks.load(cid)
  return { cid: formatCid(cid), hex: Buffer.from(manifest).toString('hex'), blocks }
}

/** The tree over `count` chunks of zeros, without making them. */
async function zeros(chunking: Chunking, chunkSizes: Iterable<number>, blocks: Blocks) {
  const builder = new FileTreeBuilder(chunking, blocks.emit)
  const whole = createHash('sha256')
  const known = new Map<number, { bytes: Uint8Array; digest: Uint8Array }>()
  for (const size of chunkSizes) {
    let chunk = known.get(size)
    if (chunk === undefined) {
      const bytes = new Uint8Array(size)
      chunk = { bytes, digest: sha256(bytes) }
      known.set(size, chunk)
    }
    whole.update(chunk.bytes)
    await builder.add(chunk.digest, size)
  }
  return builder.finish(whole.digest())
}

test('golden: the empty file has one file_id, whatever the chunking', async () => {
  for (const chunking of [AUTO_CHUNKING, fixedChunking(4 * MIB), fastCdcChunking()]) {
    const { cid, hex } = await golden(new Uint8Array(0), chunking)
    expect(hex).toBe('0a221220e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(cid).toBe(EMPTY_CID)
  }
})

test('golden: a small file', async () => {
  for (const chunking of [AUTO_CHUNKING, fixedChunking(256 * KIB)]) {
    const { cid, hex } = await golden(HELLO, chunking)
    expect(hex).toBe(
      '0a561220a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447180c' +
        '22080a060a0410808010322401551220a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a' +
        '1ec0fb85d299a192a447380c',
    )
    expect(cid).toBe(HELLO_CID)
  }
})

test('golden: a small file cut by FastCDC', async () => {
  const { cid, hex } = await golden(HELLO, fastCdcChunking())
  expect(hex).toBe(
    '0a5e1220a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447180c' +
      '2210120e0880800410808010188080402002322401551220a948904f2f0f479b8f8197694b30' +
      '184b0d2ed1c1cd2a1ec0fb85d299a192a447380c',
  )
  expect(cid).toBe('zaXvQQdHFqnc7eyx2pazeW1dN4yoLcLooULAnV59JCC1VtvFe')
})

test('golden: three chunks', async () => {
  const { cid, hex } = await golden(new Uint8Array(600_000), AUTO_CHUNKING)
  expect(hex).toBe(
    '0aae0112201358f4ce65f0d1ed482d572e4eac6ea90d465c0ab878f477297474f8f23226c318c0cf24' +
      '22080a060a0410808010' +
      '3224015512208a39d2abd3999ab73c34db2476849cddf303ce389b35826850f9a700589b4a90' +
      '3224015512208a39d2abd3999ab73c34db2476849cddf303ce389b35826850f9a700589b4a90' +
      '3224015512207b2f04e83023d52cfd751171662cad5bcc30c73ca9a0c5b5ec2f438a6af7f747' +
      '388080103880801038c0cf04',
  )
  expect(cid).toBe('zaXvQG35RoWRqsKygAYYeqszB6a3YS6Pr3jCLh8dsTDxabvci')
})

test('golden: a file that reaches the second step of the default', async () => {
  const sizes = [...Array(1024).fill(256 * KIB), ...Array(44).fill(MIB)]
  const { cid } = await zeros(AUTO_CHUNKING, sizes, new Blocks())
  expect(formatCid(cid)).toBe('zaXvQQJi9yxocNosM1NAwgavA8gQdamkbbCcMq2ELDtbouV7U')
})

test('golden: one chunk more than a leaf holds makes an index manifest', async () => {
  const blocks = new Blocks()
  const sizes = [...Array(16_384).fill(64 * KIB), 1]
  const root = await zeros(fixedChunking(64 * KIB), sizes, blocks)
  expect(root).toMatchObject({ sizeBytes: 2 ** 30 + 1, chunks: 16_385 })
  expect(formatCid(root.cid)).toBe('zaXvQPRYReNjoURjx9a1QxsxF2dwPTNv9Gym7LSbRbeh4dD6z')
  expect(Buffer.from(await blocks.load(root.cid)).toString('hex')).toBe(
    '0a8c01080112206d9bfe50425f2dfe4e2ac07efee1f0bc9d567348ad4aed62704ffe6f5884e9a8' +
      '18818080800422080a060a041080800428818001322401501220b3c1cf7b10c69dfa760d4fed9419' +
      '239fbf4a60ce2080748b6c2915a93733857a322401501220f637f31876499b95a4d1b8beaa80ccfa' +
      '792ef0d1cdb450db0fd8177507d54e073880808080043801',
  )
  const leaf = parseCid('zaXvQWFhxEXPwooQdQ6qgN7dgpuPMH4pFbDXBFK8ip9UMRKmg')
  expect(Buffer.from(await blocks.load(leaf)).toString('hex')).toBe(
    '0a283224015512206e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d3801',
  )
  expect(blocks.map.size).toBe(3)
})

test('golden: directories', async () => {
  const blocks = new Blocks()
  const empty = await new DirectoryTreeBuilder(blocks.emit).finish()
  expect(formatCid(empty.cid)).toBe('zaXvQEH8fjLNBf2nyGCgL7qW9dM3MMBEaorzcPNVfGEvGUySS')
  expect(Buffer.from(await blocks.load(empty.cid)).toString('hex')).toBe('1200')

  const builder = new DirectoryTreeBuilder(blocks.emit)
  await builder.add({ name: 'a.txt', kind: 'file', cid: parseCid(HELLO_CID), sizeBytes: 12 })
  await builder.add({ name: 'empty', kind: 'directory', cid: empty.cid, sizeBytes: 0 })
  await builder.add({ name: 'link', kind: 'symlink', target: 'a.txt', sizeBytes: 0 })
  await builder.add({
    name: 'raw',
    kind: 'file',
    cid: cidOf('chunk', sha256(HELLO)),
    sizeBytes: 12,
  })
  const root = await builder.finish()
  expect(root).toMatchObject({ sizeBytes: 24, entries: 4 })
  expect(formatCid(root.cid)).toBe('zaXvQTaUPTKjFeLkRmHK729jabMUwTodBenq52WiUDraoHXVW')
  expect(Buffer.from(await blocks.load(root.cid)).toString('hex')).toBe(
    '12a201122f0a05612e7478741a2401501220cd1d744e81884d16baf7495fc33fa8cd9e60c428852ed588' +
      'b92d371c76a626d8200c122f0a05656d70747910011a240150122008da7c45cb204377e7e42249cda571' +
      '3fa865116ddbb4cb5a1949b2e5b438a6ab120f0a046c696e6b10022a05612e747874122d0a0372617' +
      '71a2401551220a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447200c',
  )
})

test('golden: a directory of one entry more than a leaf holds', async () => {
  const blocks = new Blocks()
  const builder = new DirectoryTreeBuilder(blocks.emit)
  const cid = parseCid(HELLO_CID)
  for (let i = 0; i < 16_385; i++) {
    await builder.add({ name: String(i).padStart(5, '0'), kind: 'file', cid, sizeBytes: 12 })
  }
  const root = await builder.finish()
  expect(root).toMatchObject({ sizeBytes: 12 * 16_385, entries: 16_385 })
  expect(formatCid(root.cid)).toBe('zaXvQGABXAJmVbEjda5HD9W9cSXizP3SJbjvQrM2fVy35xwos')
  expect(blocks.map.size).toBe(3)
  expect(digestOf(root.cid)).toEqual(sha256(await blocks.load(root.cid)))
})
