/** The commands that change the namespace; those that read it take CIDs too, and are with content. */
import { SettingOption } from './options.js'
import type { Build } from './program-build.js'

export function addNamespaceCommands({ program, act, leaf }: Build): void {
  program.commandsGroup('Files:')
  const namespace = async () => await import('./namespace.js')
  act(
    leaf(
      program,
      'put <src> [path]',
      'store a file or folder under a path of the cluster; "-" is stdin',
      'put -r photos /backup',
    )
      .option('-r, --recursive', 'put folders with what is in them')
      .option('-q, --quiet', 'print CIDs of files only')
      .option('--policy <name>', 'default, or public: announced to the swarm')
      .addOption(
        new SettingOption(
          '--chunk-size <size>',
          'publish.chunk_size',
          'chunk size, 64KiB to 4MiB, or auto',
        ),
      )
      .addOption(new SettingOption('--chunker <kind>', 'publish.chunker', 'fixed or fastcdc')),
    async () => (await namespace()).put,
  )
  act(
    leaf(program, 'mkdir <path...>', 'make folders', 'mkdir -p /backup/2026').option(
      '-p, --parents',
      'make missing parents too; a folder that exists is no error',
    ),
    async () => (await namespace()).mkdir,
  )
  act(
    leaf(
      program,
      'mv <from> <to>',
      'move or rename, atomically; a folder takes it inside',
      'mv /inbox/a.jpg /photos/',
    ),
    async () => (await namespace()).move,
  )
  act(
    leaf(program, 'rm <path...>', 'remove files and folders', 'rm -r /backup/2024').option(
      '-r, --recursive',
      'remove folders with what is in them',
    ),
    async () => (await namespace()).remove,
  )
}
