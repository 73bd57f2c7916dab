import { expect, test } from 'vitest'
import { SessionPeer } from '../../src/exchange/session-peer.js'

test('session peer: a full window is filled again when a quarter of it is free', () => {
  const peer = new SessionPeer('p', [])
  const chunkBytes = peer.windowBytes / 8
  const fill = (): number => {
    let count = 0
    for (; peer.hasRoom(chunkBytes); count++) peer.began(chunkBytes, 0)
    return count
  }
  expect(fill()).toBe(8)
  peer.ended(chunkBytes)
  peer.ended(chunkBytes)
  expect(fill(), 'two places are free, not yet room for a burst').toBe(0)
  peer.ended(chunkBytes)
  expect(fill()).toBe(3)
})
