/**
 * Yamux that tells the other end of room in a stream's window when half of it was used.
 *
 * libp2p's tells of it with every frame that arrives. So each small message, of Raft or of a call, cost
 * a second frame in the other direction, with its own encryption and its own system calls.
 * Half a window is what Go's implementation waits for, too.
 */
import { yamux } from '@chainsafe/libp2p-yamux'

type CreateYamux = ReturnType<typeof yamux>

/** What libp2p's streams are inside. */
interface WindowedStream {
  state: number
  /** Bytes that the other end may send in all, and of these what it may still send. */
  recvWindow: number
  recvWindowCapacity: number
  sendWindowUpdate(): void
}

interface Muxer {
  _newStream(...args: unknown[]): object
}

/** `StreamState.SYNSent` and `Established`: in all others an update carries more than room. */
const QUIET_STATES: readonly number[] = [1, 3]

export function patientYamux(init: Parameters<typeof yamux>[0]): CreateYamux {
  const create = yamux(init)
  return (...components) => {
    const factory = create(...components)
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    // Assigned to what yamux made: libp2p reads its other properties too.
    return Object.assign(factory, {
      createStreamMuxer: (...args: Parameters<typeof createStreamMuxer>) => {
        const muxer = createStreamMuxer(...args)
        const inside: object = muxer
        if (isMuxer(inside)) {
          const newStream = inside._newStream.bind(inside)
          inside._newStream = (...init: unknown[]) => {
            const stream = newStream(...init)
            if (isWindowed(stream)) waitForHalf(stream)
            return stream
          }
        }
        return muxer
      },
    })
  }
}

function waitForHalf(stream: WindowedStream): void {
  const sendWindowUpdate = stream.sendWindowUpdate.bind(stream)
  stream.sendWindowUpdate = () => {
    const roomy = stream.recvWindowCapacity > stream.recvWindow / 2
    if (roomy && QUIET_STATES.includes(stream.state)) return
    sendWindowUpdate()
  }
}

function isMuxer(muxer: object): muxer is Muxer {
  return '_newStream' in muxer && typeof muxer._newStream === 'function'
}

function isWindowed(stream: object): stream is WindowedStream {
  return 'recvWindowCapacity' in stream && 'recvWindow' in stream && 'sendWindowUpdate' in stream
}
