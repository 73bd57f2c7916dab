/** One request, one id, in the logs of every node that had a part in it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { jsonLines, spawnNode } from '../support/processes.js'
import { eventually, tempDir } from '../support/temp.js'

type Line = Record<string, unknown>
const FLAGS = ['--log-level', 'debug', '--log-format', 'json']

test('logs: the request id of a get stands in the log of the peer that serves it', async () => {
  const a = await spawnNode({ flags: FLAGS })
  const b = await spawnNode({ flags: FLAGS, bootstrap: a.addrs })
  await b.connectedTo(a)
  const file = join(tempDir(), 'file')
  writeFileSync(file, Buffer.alloc(600_000, 'x'))
  const cid = (await a.ok(['publish', '-Q', file])).stdout.trim()

  const requestId = 'feedface00112233'
  const response = await fetch(`${b.api}/v1/content/${cid}`, {
    headers: { authorization: `Bearer ${b.token}`, 'x-request-id': requestId },
  })
  expect(response.headers.get('x-request-id')).toBe(requestId)
  expect((await response.arrayBuffer()).byteLength).toBe(600_000)

  const linesOf = (log: string) => jsonLines<Line>(log).filter((l) => l.request_id === requestId)
  const served = await eventually('a line of the serving peer', () =>
    linesOf(a.log).find((line) => line.method === 'retrieve'),
  )
  const own = await eventually('a line of the asking node', () =>
    linesOf(b.log).find((line) => line.component === 'gateway'),
  )
  expect(served).toMatchObject({
    component: 'calls',
    peer: b.peerId,
    node_id: a.peerId,
    code: 'OK',
  })
  expect(own).toMatchObject({ node_id: b.peerId, service_id: 'gateway', code: 'OK' })
  for (const line of [...jsonLines<Line>(a.log), ...jsonLines<Line>(b.log)]) {
    for (const field of ['level', 'time', 'message', 'component', 'node_id', 'instance_id']) {
      expect(line, JSON.stringify(line)).toHaveProperty(field, expect.any(String))
    }
  }
})
