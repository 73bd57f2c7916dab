/**
 * Noise, each of whose packets leaves in one system call.
 *
 * libp2p's TCP connection writes every piece of a message by itself, and noise makes pieces of a
 * packet's length (2 bytes), what was encrypted and its tag (16 bytes). Serving 1 GiB took 62,000
 * writes; together they are 19,000.
 */
import { Socket } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import type { MessageStream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

// What was encrypted is written while it is still in the processor's cache.
const WRITE_BYTES = 64 * 1024

type CreateNoise = ReturnType<typeof noise>

/** What libp2p's TCP connections are inside. */
interface TcpConnection {
  socket: Socket
  sendData(data: Uint8ArrayList): { sentBytes: number; canSendMore: boolean }
}

export function corkedNoise(): CreateNoise {
  const create = noise()
  return (components) => {
    const encrypter = create(components)
    const secureInbound = encrypter.secureInbound.bind(encrypter)
    const secureOutbound = encrypter.secureOutbound.bind(encrypter)
    // Assigned to what noise made: libp2p reads its other properties too.
    return Object.assign(encrypter, {
      secureInbound: (...args: Parameters<typeof secureInbound>) => {
        cork(args[0])
        return secureInbound(...args)
      },
      secureOutbound: (...args: Parameters<typeof secureOutbound>) => {
        cork(args[0])
        return secureOutbound(...args)
      },
    })
  }
}

function cork(connection: MessageStream): void {
  if (!isTcp(connection)) return
  const { socket } = connection
  connection.sendData = (data) => {
    socket.cork()
    // All of it, also beyond what the socket likes to hold: the caller has bounded it.
    for (const piece of data) {
      socket.write(piece)
      if (socket.writableLength < WRITE_BYTES) continue
      socket.uncork()
      socket.cork()
    }
    socket.uncork()
    return { sentBytes: data.byteLength, canSendMore: !socket.writableNeedDrain }
  }
}

function isTcp(connection: object): connection is TcpConnection {
  return 'socket' in connection && connection.socket instanceof Socket && 'sendData' in connection
}
