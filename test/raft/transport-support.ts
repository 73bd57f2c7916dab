/** Transports over real libp2p hosts on loopback, with receivers that write down what they hear. */
import type { DpsError } from '../../src/base/index.js'
import { silentLog } from '../../src/observability/index.js'
import {
  Libp2pTransport,
  type Libp2pTransportInit,
  type Message,
  type NodeId,
  nodeIdOf,
  type Receiver,
  type SnapshotMessage,
  type StateInstall,
  type StateSnapshot,
} from '../../src/raft/index.js'
import { startHost, type TestHost, type TestHostInit } from '../network/host-support.js'
import { cleanUp } from '../support/temp.js'

export const CLUSTER = 'cluster-1'

export interface Member {
  host: TestHost
  id: NodeId
  transport: Libp2pTransport
  received: Message[]
  unreachable: NodeId[]
  receiver: RecordingReceiver
  stop(): Promise<void>
}

export class RecordingReceiver implements Receiver {
  readonly received: Message[] = []
  readonly unreachables: NodeId[] = []
  readonly installs: { message: SnapshotMessage; install: MemoryInstall | undefined }[] = []
  /** What a begun transfer left. */
  install: MemoryInstall | undefined
  needed = true
  refusal: DpsError | undefined

  receive(message: Message): void {
    this.received.push(message)
  }

  unreachable(id: NodeId): void {
    this.unreachables.push(id)
  }

  async installing(message: SnapshotMessage): Promise<StateInstall | undefined> {
    if (this.refusal !== undefined) throw this.refusal
    if (!this.needed) return undefined
    if (this.install?.meta.index !== message.snapshot.index) {
      this.install = new MemoryInstall(message.snapshot)
    }
    return this.install
  }

  async installed(message: SnapshotMessage, install: StateInstall | undefined): Promise<void> {
    await install?.finish()
    this.installs.push({ message, install: install as MemoryInstall | undefined })
  }
}

export class MemoryInstall implements StateInstall {
  readonly meta: StateInstall['meta']
  readonly generation = 1
  readonly pieces: Uint8Array[] = []
  finished = false
  /** Called before each piece is taken. */
  onWrite: (number: number) => void | Promise<void> = () => {}
  #writing = false

  constructor(meta: StateInstall['meta']) {
    this.meta = meta
  }

  get received(): number {
    return this.pieces.length
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#writing) throw new Error('two pieces at once')
    this.#writing = true
    try {
      await this.onWrite(this.pieces.length)
      this.pieces.push(new Uint8Array(chunk))
    } finally {
      this.#writing = false
    }
  }

  async finish(): Promise<void> {
    this.finished = true
  }

  async abort(): Promise<void> {}
}

export function snapshotOf(
  meta: StateSnapshot['meta'],
  pieces: readonly Uint8Array[],
): StateSnapshot & { asked: number[] } {
  const asked: number[] = []
  return {
    meta,
    asked,
    async *chunks(from = 0) {
      for (let i = from; i < pieces.length; i++) {
        asked.push(i)
        yield pieces[i]!
      }
    },
    close: async () => {},
  }
}

export interface MemberInit extends TestHostInit {
  host?: TestHost
  incarnation?: number
  clusterId?: string
  transport?: Partial<Libp2pTransportInit>
}

const FAST = { pingEveryMs: 50, retryMinMs: 20, retryMaxMs: 200 }

/** Members that know each other by `connect`. */
export async function startMember(init: MemberInit = {}): Promise<Member> {
  const { incarnation = 1, clusterId = CLUSTER, transport: settings, ...hostInit } = init
  const host = init.host ?? (await startHost(hostInit))
  const id = nodeIdOf(host.host.peerId, incarnation)
  const receiver = new RecordingReceiver()
  const transport = new Libp2pTransport(
    { streams: host.host, log: init.log ?? silentLog },
    {
      id,
      clusterId,
      addresses: (other) => addresses.get(other) ?? [],
      isMember: () => false,
      ...FAST,
      ...settings,
    },
  )
  await transport.start(receiver)
  addresses.set(id, [host.addr])
  const stop = async () => {
    await transport.stop()
    await host.stop()
  }
  cleanUp(stop)
  const { received, unreachables: unreachable } = receiver
  return { host, id, transport, received, unreachable, receiver, stop }
}

/** Of members in this process. */
export const addresses = new Map<NodeId, string[]>()

export function connect(...members: Member[]): void {
  for (const { transport } of members) transport.setMembers(members.map(({ id }) => id))
}
