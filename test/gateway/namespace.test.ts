import { describe, expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { formatCid } from '../../src/content/index.js'
import { bound, NamespaceWorld } from '../files/namespace-support.js'
import { collect } from '../files/support.js'
import { startApi, TOKEN } from './fakes.js'

async function api() {
  const { namespace, files } = await (await NamespaceWorld.create()).start()
  const { client, url } = await startApi({ namespace: bound(namespace), files: bound(files) })
  const http = (method: string, path: string, init: RequestInit = {}) =>
    fetch(`${url}/v1/files${path}`, {
      ...init,
      method,
      headers: { authorization: `Bearer ${TOKEN}`, ...init.headers },
    })
  return { client, http, namespace }
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

describe('files over HTTP', () => {
  test('PUT puts, GET gives the bytes with their entity tag and version', async () => {
    const { http, namespace } = await api()
    const put = await http('PUT', '/a%20b.txt?mode=384', { body: 'hello world' })
    expect(put.status).toBe(200)
    const lines = (await put.text()).trim().split('\n')
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ summary: { path: '/a b.txt', files: 1 } })
    const { cid, version, attributes } = await namespace.stat('/a b.txt')
    expect(attributes.mode).toBe(0o600)
    const got = await http('GET', '/a%20b.txt')
    expect(await got.text()).toBe('hello world')
    expect(got.headers.get('etag')).toBe(`"${formatCid(cid!)}"`)
    expect(got.headers.get('dps-version')).toBe(String(version))
    expect(got.headers.get('cache-control')).toBe('private, no-cache')
    expect(got.headers.get('content-disposition')).toContain('filename="a b.txt"')
    const part = await http('GET', '/a%20b.txt', { headers: { range: 'bytes=6-8' } })
    expect({ status: part.status, text: await part.text() }).toEqual({ status: 206, text: 'wor' })
    const same = await http('GET', '/a%20b.txt', {
      headers: { 'if-none-match': got.headers.get('etag')! },
    })
    expect(same.status).toBe(304)
  })

  test('PUT under a condition: only where nothing is, only over what was seen', async () => {
    const { http, namespace } = await api()
    const fresh = { body: 'one', headers: { 'if-none-match': '*' } }
    expect((await http('PUT', '/a', fresh)).status).toBe(200)
    expect((await http('PUT', '/a', fresh)).status).toBe(409)
    const { version } = await namespace.stat('/a')
    expect((await http('PUT', `/a?version=${version}`, { body: 'two' })).status).toBe(200)
    const stale = await http('PUT', `/a?version=${version}`, { body: 'three' })
    expect(stale.status).toBe(409)
    expect(await stale.json()).toMatchObject({ error: { code: 'ABORTED' } })
    expect(await (await http('GET', '/a')).text()).toBe('two')
  })

  test('a folder takes what is put into it under a name that is given', async () => {
    const { http, namespace } = await api()
    await namespace.mkdir('/d')
    expect((await http('PUT', '/d/', { body: 'x' })).status).toBe(412)
    expect((await http('PUT', '/d/?name=n', { body: 'x' })).status).toBe(200)
    expect((await namespace.stat('/d/n')).sizeBytes).toBe(1)
    expect((await http('GET', '/d')).status).toBe(412)
  })

  const wrong: [what: string, method: string, path: string, status: number][] = [
    ['a file that is not there', 'GET', '/nothing', 404],
    ['a parameter that is not known', 'PUT', '/a?polcy=public', 400],
    ['a time that is none', 'PUT', '/a?mtimeNs=99999999999999999999', 400],
    ['a policy that is not there', 'PUT', '/a?policy=none', 404],
    ['a name that points elsewhere', 'GET', '/a/%2e%2e', 400],
    ['a reserved name', 'PUT', '/ipfs', 400],
    ['another method', 'DELETE', '/a', 405],
  ]
  test.each(wrong)('%s is refused', async (_what, method, path, status) => {
    const { http } = await api()
    expect((await http(method, path)).status).toBe(status)
  })

  test('an upload that breaks off puts nothing', async () => {
    const { client, namespace } = await api()
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half of')
      throw new DpsError('UNAVAILABLE', 'the source broke')
    }
    await expect(collect(client.put(broken(), '/a'))).rejects.toThrow('the source broke')
    await expect(namespace.stat('/a')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('the namespace service', () => {
  test('every method comes through, with its errors', async () => {
    const { client } = await api()
    const { namespace } = client
    expect(await namespace.mkdir({ path: '/a/b', parents: true, mode: 0o700 })).toMatchObject({
      path: '/a/b',
      created: true,
    })
    await collect(client.put(bytesOf('hello'), '/a/f', { policy: 'public' }))
    const { entry, policy, holders } = await namespace.statPath({ path: '/a/f' })
    expect(entry).toMatchObject({ path: '/a/f', kind: 'file', sizeBytes: 5, mode: 0o644 })
    expect({ policy, holders }).toEqual({ policy: 'public', holders: ['me'] })
    const { version } = entry!
    const stale = namespace.setAttributes({ path: '/a/f', mode: 1, version: version - 1 })
    await expect(stale).rejects.toMatchObject({ code: 'ABORTED' })
    await namespace.setAttributes({ path: '/a/f', mode: 0o4755, mtimeNs: -1n, version })
    const changed = (await namespace.statPath({ path: '/a/f' })).entry!
    expect(changed).toMatchObject({ mode: 0o4755, mtimeNs: -1n })
    const moved = await namespace.move({
      from: '/a/f',
      to: '/a/b',
      versionFrom: changed.version,
      versionTo: 0,
    })
    expect(moved).toMatchObject({ path: '/a/b/f', replaced: false })
    const onto = namespace.move({ from: '/a/b/f', to: '/a/b', exactly: true })
    await expect(onto).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' })
    const pages = await collect(namespace.listPath({ path: '/a', stale: true, limit: 1 }))
    expect(pages.flatMap(({ entries }) => entries.map(({ name }) => name))).toEqual(['b'])
    const full = namespace.removePath({ path: '/a' })
    await expect(full).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' })
    await namespace.removePath({ path: '/a', recursive: true })
    await expect(namespace.statPath({ path: '/a' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('a path that the node sees itself is put by it; its failures say so', async () => {
    const { client } = await api()
    const source = { path: '/nowhere/at/all', dev: '', ino: '' }
    const putting = collect(client.namespace.putPath({ source, path: '/x' }))
    await expect(putting).rejects.toMatchObject({
      code: 'NOT_FOUND',
      hint: 'upload its bytes instead',
    })
  })
})
