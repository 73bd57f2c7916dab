import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli, tempDir } from './support.js'

const has = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0

async function script(shell: string): Promise<string> {
  const { stdout, code } = await cli(['completion', shell])
  expect(code).toBe(0)
  const path = join(await tempDir(), `completion.${shell}`)
  await writeFile(path, stdout)
  return path
}

describe.skipIf(!has('bash'))('bash', () => {
  async function complete(line: string): Promise<string[]> {
    const path = await script('bash')
    const words = line.split(' ')
    const quoted = words.map((word) => `'${word}'`).join(' ')
    const program = `
      set -eu
      source '${path}'
      COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}
      cd '${await tempDir()}'; touch some-file
      _dps_node || true
      printf '%s\\n' "\${COMPREPLY[@]-}"`
    const { stdout, stderr, status } = spawnSync('bash', ['-c', program], { encoding: 'utf8' })
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
    return stdout.split('\n').filter((word) => word !== '')
  }

  test.each<[line: string, expected: string[]]>([
    ['dps-node pub', ['publish']],
    ['dps-node swarm ', ['peers', 'addrs', 'connect', 'disconnect']],
    ['dps-node --json swarm dis', ['disconnect']],
    ['dps-node --data-dir swarm pin l', ['ls']],
    ['dps-node config get gc.', ['gc.interval']],
    ['dps-node publish --only', ['--only-hash']],
    ['dps-node publish --chunker ', ['fixed', 'fastcdc']],
    ['dps-node publish some', ['some-file']],
    ['dps-node --mode lo', ['local_only']],
    ['dps-node completion ', ['bash', 'zsh', 'fish']],
    ['dps-node get x -o some', ['some-file']],
    ['dps-node ls x', []],
    ['dps-node help pub', []],
  ])('completion: %s', async (line, expected) => {
    expect(await complete(line)).toEqual(expected)
  })
})

describe.skipIf(!has('zsh'))('zsh', () => {
  test('completion: the script loads and names the function', async () => {
    const program = `autoload -U compinit && compinit -D && source '${await script('zsh')}' && whence -w _dps_node`
    const { stdout, stderr, status } = spawnSync('zsh', ['-f', '-c', program], { encoding: 'utf8' })
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
    expect(stdout).toContain('function')
  })
})

describe.skipIf(!has('fish'))('fish', () => {
  test('completion: the script loads and completes', async () => {
    const program = `source '${await script('fish')}'; complete -C 'dps-node swarm dis'`
    const { stdout, stderr, status } = spawnSync('fish', ['-N', '-c', program], {
      encoding: 'utf8',
    })
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
    expect(stdout).toContain('disconnect')
  })
})

test.each(['bash', 'zsh', 'fish'])('completion: %s knows every command', async (shell) => {
  const { stdout } = await cli(['completion', shell])
  const { stdout: help } = await cli(['--help'])
  const names = [...help.matchAll(/^ {2}([a-z]+)\b/gm)].map((match) => match[1]!)
  expect(names.length).toBeGreaterThan(20)
  for (const name of names) expect(stdout).toMatch(new RegExp(`\\b${name}\\b`))
})
