import { expect, test } from 'vitest'
import { bytes, Cluster } from './cluster.js'

test('raft: three nodes elect, replicate and apply the same', () => {
  const cluster = Cluster.of(['a', 'b', 'c'])
  cluster.elect('a')
  expect(cluster.leaders()).toEqual(['a'])
  const [{ index, term }] = cluster.raft('a').propose(bytes('x')) as [
    { index: number; term: number },
  ]
  expect({ index, term }).toEqual({ index: 2, term: 1 })
  cluster.settle()
  for (const { disk } of cluster.members.values()) expect(disk.state).toEqual(['x'])
})
