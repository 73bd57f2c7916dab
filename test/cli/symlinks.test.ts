import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, sep } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nameProblem } from '../../src/cli/names.js'
import { escapingSymlinks } from '../../src/cli/symlinks.js'

/** The links of `links` (`path -> target`) that leave the folder. */
function leaving(links: string[], platform: NodeJS.Platform = 'linux'): string[] {
  const entries = links.map((link) => {
    const [path, target = ''] = link.split(' -> ')
    return { path: path!.split('/'), target }
  })
  return escapingSymlinks(entries, platform).map(({ path }) => path.join('/'))
}

test.each<[string, string[], string[]]>([
  ['a neighbour', ['a -> b'], []],
  ['a neighbour above', ['sub/a -> ../b'], []],
  ['its own folder', ['sub/a -> ..'], []],
  ['down and up', ['a -> x/../b'], []],
  ['one step too far', ['a -> ../b'], ['a']],
  ['back into the folder by its name', ['a -> ../out/b'], ['a']],
  ['deep and too far', ['x/y/a -> ../../../b'], ['x/y/a']],
  ['the root', ['a -> /'], ['a']],
  ['nothing', ['a -> '], ['a']],
  ['NUL', ['a -> b\0'], ['a']],
  ['dots and slashes', ['a -> .//./b/.'], []],
  ['up through a link to the top', ['x/y/p -> ../..', 'x/y/q -> p/../b'], ['x/y/q']],
  ['up through a link downwards', ['l -> d/e', 'm -> l/../..'], []],
  ['through a link that leaves', ['a -> /etc', 'b -> a/passwd'], ['a', 'b']],
  ['a loop', ['a -> b', 'b -> a'], []],
  ['a loop with steps up', ['a -> a/..'], []],
  ['through many', ['a -> b', 'b -> c', 'c -> ..'], ['a', 'b', 'c']],
])('symlinks: to %s', (_what, links, expected) => {
  expect(leaving(links)).toEqual(expected)
})

test('symlinks: Windows has other separators and drives', () => {
  expect(leaving(['a -> b\\..\\..\\c'], 'win32')).toEqual(['a'])
  expect(leaving(['a -> C:x'], 'win32')).toEqual(['a'])
  expect(leaving(['a -> \\\\host\\share'], 'win32')).toEqual(['a'])
  expect(leaving(['a -> b\\..\\..\\c'], 'linux')).toEqual([])
})

test('symlinks: what is made of any set of links stays inside, as the kernel sees it', async () => {
  const base = await mkdtemp(join(tmpdir(), 'dps-links-'))
  const name = fc.constantFrom('a', 'b', 'c')
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'))
  const target = fc
    .array(fc.constantFrom('a', 'b', 'c', '..', '..', '.'), { minLength: 1, maxLength: 5 })
    .map((names) => names.join('/'))
  let run = 0
  let made = 0
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(path, target), { selector: ([link]) => link, maxLength: 6 }),
        async (pairs) => {
          const root = join(base, String(run++), 'one', 'two')
          await mkdir(root, { recursive: true })
          const top = await realpath(root)
          // As in a folder's manifest, a link is no folder: nothing lies below one.
          const links = pairs.filter(
            ([link]) => !pairs.some(([other]) => other.startsWith(`${link}/`)),
          )
          const entries = links.map(([link, target]) => ({ path: link.split('/'), target }))
          const escaping = new Set(escapingSymlinks(entries))
          for (const { path } of entries)
            await mkdir(join(root, ...path.slice(0, -1)), { recursive: true })
          const safe = entries.filter((entry) => !escaping.has(entry))
          for (const { path, target } of safe) await symlink(target, join(root, ...path))
          for (const { path } of safe) {
            const real = await realpath(join(root, ...path)).catch(() => undefined)
            if (real === undefined) continue
            made++
            expect(
              real === top || real.startsWith(top + sep),
              `${path.join('/')} is at ${real}`,
            ).toBe(true)
          }
        },
      ),
      { numRuns: 300 },
    )
  } finally {
    await rm(base, { recursive: true, force: true })
  }
  expect(dirname(base)).toBe(tmpdir())
  // Else nothing was looked at.
  expect(made).toBeGreaterThan(50)
})

test.each<[string, boolean, boolean]>([
  ['a', true, true],
  ['.a', true, true],
  ['', false, false],
  ['.', false, false],
  ['..', false, false],
  ['a/b', false, false],
  ['a\0', false, false],
  ['a\\b', true, false],
  ['C:', true, false],
  ['a.', true, false],
  ['a ', true, false],
  ['nul.txt', true, false],
  ['null', true, true],
  ['a\u0001', true, false],
])('names: %j on Linux %s, on Windows %s', (name, linux, windows) => {
  expect(nameProblem(name, 'linux') === undefined).toBe(linux)
  expect(nameProblem(name, 'win32') === undefined).toBe(windows)
})
