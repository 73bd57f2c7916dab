/**
 * Whole clusters of real nodes, each its own process.
 *
 * @example
 * const cluster = await TestCluster.start(3)
 * const leader = await cluster.leader()
 * await leader.kill()
 * await cluster.leader({ not: leader })
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { ApiClient, type ClusterStatusResponse } from '../../src/gateway/index.js'
import { type SpawnOptions, spawnNode, type TestNode } from './processes.js'
import { cleanUp, eventually } from './temp.js'

const STATUS_TIMEOUT_MS = 2_000

export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

export class TestCluster {
  readonly nodes: TestNode[]
  /** By address and token: a restarted node has others. */
  readonly #clients = new Map<string, ApiClient>()

  private constructor(nodes: TestNode[]) {
    this.nodes = nodes
    cleanUp(() => {
      for (const client of this.#clients.values()) client.close()
    })
  }

  /** Resolves when all of them vote and have caught up. */
  static async start(
    count: number,
    optionsOf: (index: number) => SpawnOptions = () => ({}),
  ): Promise<TestCluster> {
    const nodes = await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const listen = `/ip4/127.0.0.1/tcp/${await freePort()}`
        return spawnNode({ listen, ...optionsOf(index) })
      }),
    )
    const cluster = new TestCluster(nodes)
    const [first, ...others] = nodes
    const { token } = await cluster.client(first!).cluster.invite({ uses: others.length })
    for (const node of others) await cluster.client(node).cluster.join({ token })
    await cluster.whole()
    return cluster
  }

  client(node: TestNode): ApiClient {
    const { api, token } = node
    const key = `${api} ${token}`
    let client = this.#clients.get(key)
    if (client === undefined) {
      client = new ApiClient({ url: api, token })
      this.#clients.set(key, client)
    }
    return client
  }

  get running(): TestNode[] {
    return this.nodes.filter((node) => node.running)
  }

  others(...these: TestNode[]): TestNode[] {
    return this.nodes.filter((node) => !these.includes(node))
  }

  status(node: TestNode): Promise<ClusterStatusResponse> {
    return this.client(node).cluster.clusterStatus({}, { timeoutMs: STATUS_TIMEOUT_MS })
  }

  /** The running node that most of the asked ones call their leader, once there is one. */
  async leader({
    not,
    asked,
    timeoutMs = 20_000,
  }: {
    not?: TestNode
    asked?: readonly TestNode[]
    timeoutMs?: number
  } = {}): Promise<TestNode> {
    return eventually(
      'a leader',
      async () => {
        const nodes = (asked ?? this.running).filter((node) => node !== not)
        const told = await Promise.all(
          nodes.map((node) =>
            this.status(node).then(
              ({ leader }) => leader,
              () => undefined,
            ),
          ),
        )
        return nodes.find(({ peerId }, at) => {
          const votes = told.filter((leader) => leader === peerId).length
          return told[at] === peerId && 2 * votes > this.nodes.length
        })
      },
      { timeoutMs },
    )
  }

  /** Resolves when every node is a voter that knows of the same leader and lags nowhere. */
  async whole({ timeoutMs = 30_000 } = {}): Promise<void> {
    await eventually(
      `${this.nodes.length} voters in step`,
      async () => {
        const all = await Promise.all(this.nodes.map((node) => this.status(node)))
        const [{ leader, term }] = all as [ClusterStatusResponse]
        const told = all.find(({ peerId }) => peerId === leader)
        if (leader === undefined || told === undefined) return false
        if (told.members.length !== this.nodes.length) return false
        return all.every(
          (status) =>
            status.role === 'voter' &&
            status.leader === leader &&
            status.term === term &&
            status.appliedIndex >= told.commitIndex - SLACK,
        )
      },
      { timeoutMs },
    )
  }
}

/** The cluster's own housekeeping goes on while it is asked. */
const SLACK = 2
