import fc from 'fast-check'
import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { setInToml } from '../../src/cli/config-file.js'
import {
  defaultConfigFile,
  formatSetting,
  parseConfigFile,
  settingsTable,
} from '../../src/config.js'

test.each([
  ['an empty file', '', '[a]\nk = 2\n'],
  ['a file without the section', '[b]\nk = 1\n', '[b]\nk = 1\n\n[a]\nk = 2\n'],
  ['an empty section', '[a]\n\n[b]\nk = 1\n', '[a]\nk = 2\n\n[b]\nk = 1\n'],
  ['a value', '[a]\nk = 1\n[b]\nk = 1\n', '[a]\nk = 2\n[b]\nk = 1\n'],
  ['a comment behind it', '[a]\nk = "#" # why\n', '[a]\nk = 2 # why\n'],
  ['a commented default', '[a]\n# doc\n# k = 1\n# j = 1\n', '[a]\n# doc\nk = 2\n# j = 1\n'],
  ['a live value behind a commented one', '[a]\n# k = 1\nk = 3\n', '[a]\n# k = 1\nk = 2\n'],
  ['a longer key', '[a]\nkk = 1\n', '[a]\nkk = 1\nk = 2\n'],
  ['a list over lines', '[a]\nk = [\n  "x", # [\n  "]",\n]\nj = 1\n', '[a]\nk = 2\nj = 1\n'],
  [
    'a list over lines before it',
    '[a]\nj = [\n  "k = 1",\n]\nk = 1\n',
    '[a]\nj = [\n  "k = 1",\n]\nk = 2\n',
  ],
  [
    'a list with comments in it',
    '[a]\nj = [\n  # k = 1\n  "x",\n]\n',
    '[a]\nj = [\n  # k = 1\n  "x",\n]\nk = 2\n',
  ],
  ['indentation and Windows line ends', '[a]\r\n  k = 1\r\n', '[a]\r\n  k = 2\r\n'],
  ['no newline at the end', '[a]\nk = 1', '[a]\nk = 2'],
  ['quoted names', '["a"]\n"k" = 1\n', '["a"]\nk = 2\n'],
])('config file: sets a key in %s', (_what, before, after) => {
  expect(setInToml(before, 'a.k', '2')).toBe(after)
  expect(parse(after)).toMatchObject({ a: { k: 2 } })
})

test('config file: whatever is set is read back, and nothing else changes', async () => {
  const rows = settingsTable().map(({ key, fallback, shape }) => {
    const other =
      shape.words?.at(-1) ??
      { string: 'x', number: '100', boolean: 'false', object: '' }[typeof fallback as 'string']
    return { key, values: [fallback, shape.fromText(other) ?? fallback] }
  })
  const change = fc
    .constantFrom(...rows)
    .chain(({ key, values }) =>
      fc.record({ key: fc.constant(key), value: fc.constantFrom(...values) }),
    )
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
      let content = defaultConfigFile()
      const expected = new Map<string, unknown>()
      const comments = content.split('\n').filter((line) => line.startsWith('# Accepted'))
      for (const { key, value } of changes) {
        content = setInToml(content, key, formatSetting(key, value))
        expected.set(key, value)
      }
      expect(await parseConfigFile(content, 'x')).toEqual(expected)
      expect(content.split('\n').filter((line) => line.startsWith('# Accepted'))).toEqual(comments)
    }),
    { numRuns: 60 },
  )
})
