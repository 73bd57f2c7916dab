/** Multiaddrs and peer ids, as people write them and as libp2p wants them. */
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { DpsError } from '../base/index.js'

export function parseMultiaddr(text: string): Multiaddr {
  try {
    return multiaddr(text)
  } catch (cause) {
    throw new DpsError('INVALID_ARGUMENT', `${text} is no multiaddr`, {
      cause,
      hint: 'a multiaddr looks like /ip4/192.168.1.5/tcp/4101/p2p/12D3KooW…',
    })
  }
}

export function parsePeerId(text: string): PeerId {
  try {
    return peerIdFromString(text)
  } catch (cause) {
    throw new DpsError('INVALID_ARGUMENT', `${text} is no peer id`, { cause })
  }
}

export function isPeerId(text: string): boolean {
  try {
    return peerIdFromString(text).toString() === text
  } catch {
    return false
  }
}

export function peerIdOf(addr: Multiaddr | undefined): string | undefined {
  return addr?.getComponents().findLast(({ name }) => name === 'p2p')?.value
}

export function withoutPeer(addr: Multiaddr): string {
  return addr.toString().replace(/\/p2p\/[^/]+$/, '')
}

export function withPeer(addr: string, peerId: string): string {
  return `${addr}/p2p/${peerId}`
}
