/** The tree of commands: names, arguments, options, help. Nothing heavy is loaded to build it. */
import { Command } from 'commander'
import { nearestOf, packageVersion } from '../config.js'
import { usageError } from './errors.js'
import type { Output } from './io.js'
import { durationArgument, SettingOption, sizeArgument, wholeNumber } from './options.js'
import type { Build, HandlerSpec } from './program-build.js'
import { addClusterCommands } from './program-cluster.js'
import { addNamespaceCommands } from './program-namespace.js'
import type { Handler, Operand, Options } from './session.js'

export interface Invocation {
  command: Command
  spec: HandlerSpec
  args: readonly Operand[]
  options: Options
}

export interface ProgramInit {
  out: Pick<Output, 'write' | 'columns'>
  colors: { out: boolean; err: boolean }
  invoke(invocation: Invocation): void
}

/** The command that argv means as far as it names any: for "see: … --help". */
export function commandPath(program: Command, argv: readonly string[]): string {
  let path = program.name()
  let at: Command = program
  for (const word of argv) {
    const next = at.commands.find((command) => command.name() === word)
    if (next === undefined) continue
    at = next
    path += ` ${word}`
  }
  return path
}

export function buildProgram(init: ProgramInit): Command {
  const program = new Command('dps-node')
  program
    .description('Peer-to-peer storage: one executable is a whole peer. Bare, it starts the node.')
    .version(`dps-node ${packageVersion()}`, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show usage')
    .helpCommand(false)
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => init.out.write(text),
      // Usage errors are told by the one who catches them.
      writeErr: () => {},
      getOutHelpWidth: () => Math.min(init.out.columns, 100),
      getOutHasColors: () => init.colors.out,
      getErrHasColors: () => init.colors.err,
    })
    .configureHelp({ showGlobalOptions: true, subcommandTerm: termOf })
    .option('--data-dir <dir>', 'data directory (default: $DPS_PATH, else ~/.dps)')
    .addOption(new SettingOption('--json', 'output.json', 'JSON output, one value a line'))
    .addOption(new SettingOption('--no-progress', 'output.progress', 'no progress bars'))
    .addOption(
      new SettingOption('--log-level <level>', 'log.level', 'trace, debug, info, warn or error'),
    )

  const act = (command: Command, load: () => Promise<Handler>, lenient = false): Command =>
    command.action((...input: unknown[]) => {
      const args = input.slice(0, -2) as Operand[]
      const options = input.at(-2) as Options
      init.invoke({ command, spec: { load, lenient }, args, options })
    })
  const leaf = (parent: Command, usage: string, doc: string, example: string): Command =>
    parent
      .command(usage)
      .description(doc)
      .addHelpText('after', `\nExample:\n  $ dps-node ${example}`)
  const group = (name: string, doc: string): Command => {
    const command = program.command(name).description(doc).helpCommand(false)
    command.allowExcessArguments().action(() => {
      const names = command.commands.map((child) => child.name())
      const given = command.args[0]
      const hint = `see: dps-node ${name} --help`
      if (given === undefined) {
        throw usageError(`${name} needs a command: ${names.join(', ')}`, hint)
      }
      const nearest = nearestOf(given, names)
      throw usageError(
        `unknown command '${name} ${given}'`,
        nearest === undefined ? hint : `did you mean: dps-node ${name} ${nearest}`,
      )
    })
    return command
  }

  const build: Build = { program, act, leaf, group }
  addNodeCommands(build)
  addContentCommands(build)
  addNamespaceCommands(build)
  addClusterCommands(build)
  addOtherCommands(build)
  return program
}

/** A command in the list: its name and arguments; options are told by its own help. */
function termOf(command: Command): string {
  const args = command.registeredArguments
    .filter((argument) => argument.name() !== UNEXPECTED)
    .map((argument) => {
      const name = argument.name() + (argument.variadic ? '...' : '')
      return argument.required ? ` <${name}>` : ` [${name}]`
    })
  return command.name() + args.join('')
}

/** Takes what is no command, so that it can be told with the nearest one. */
const UNEXPECTED = 'unexpected'

function addNodeCommands({ program, act, leaf, group }: Build): void {
  program.commandsGroup('Node:')
  const start = program
    .command(`start [${UNEXPECTED}...]`, { isDefault: true })
    .description('start the node (this is what the bare command does)')
    .usage('[options]')
    .addHelpText(
      'after',
      '\nExample:\n  $ dps-node --bootstrap /ip4/192.168.1.5/tcp/4101/p2p/12D3KooW…',
    )
    .addOption(
      new SettingOption('--listen <multiaddr>', 'network.listen', 'listen there; may be repeated'),
    )
    .addOption(
      new SettingOption(
        '--bootstrap <multiaddr>',
        'network.bootstrap',
        'join through this peer; may be repeated',
      ),
    )
    .addOption(
      new SettingOption('--mdns', 'network.mdns', 'find peers on the local network (default)'),
    )
    .addOption(new SettingOption('--no-mdns', 'network.mdns', "don't"))
    .addOption(new SettingOption('--api <host:port>', 'api.listen', 'where the local API listens'))
    .addOption(new SettingOption('--name <name>', 'node.name', 'what people call this node'))
    .addOption(new SettingOption('--zone <zone>', 'node.zone', 'failure zone: rack, room, site'))
    .addOption(
      new SettingOption('--mode <mode>', 'node.mode', 'local_only, cluster_only, hybrid or cloud'),
    )
    .addOption(new SettingOption('--log-format <format>', 'log.format', 'pretty or json'))
  start.configureHelp({ showGlobalOptions: true, visibleArguments: () => [] })
  start.hook('preAction', () => {
    const [given] = start.args
    if (given === undefined) return
    if (program.args[0] === 'start') throw usageError('start takes no arguments', SEE_START)
    const nearest = nearestOf(given, commandNames(program))
    throw usageError(
      `unknown command '${given}'`,
      nearest === undefined
        ? 'list all commands with: dps-node --help'
        : `did you mean: dps-node ${nearest}`,
    )
  })
  act(start, async () => (await import('./start.js')).start)

  act(
    leaf(program, 'init', 'create the data directory only', 'init --data-dir /srv/dps'),
    async () => (await import('./init.js')).init,
  )
  act(
    leaf(program, 'stop', 'stop the node, wait until it is down', 'stop'),
    async () => (await import('./status.js')).stop,
  )
  act(
    leaf(
      program,
      'status',
      'one screen: peer, mode, peers, disks, content, health',
      'status --json',
    ),
    async () => (await import('./status.js')).status,
  )
  act(
    leaf(program, 'id', 'peer id, addresses, versions', 'id'),
    async () => (await import('./status.js')).id,
  )

  const config = group('config', 'read, change and check the settings')
  const configs = async () => await import('./config-commands.js')
  act(
    leaf(config, 'show', 'all settings in effect, and where each comes from', 'config show'),
    async () => (await configs()).configShow,
  )
  act(
    leaf(config, 'get <key>', 'one setting in effect', 'config get network.listen'),
    async () => (await configs()).configGet,
  )
  act(
    leaf(
      config,
      'set <key> <value>',
      'change config.toml; comments stay',
      'config set node.zone rack-2',
    ),
    async () => (await configs()).configSet,
    true,
  )
  act(
    leaf(config, 'check', 'validate config.toml and the environment', 'config check'),
    async () => (await configs()).configCheck,
    true,
  )

  const swarm = group('swarm', 'the peers of this node')
  const swarms = async () => await import('./swarm.js')
  act(
    leaf(swarm, 'peers', 'connected peers', 'swarm peers'),
    async () => (await swarms()).swarmPeers,
  )
  act(
    leaf(swarm, 'addrs', 'known peers and their addresses', 'swarm addrs'),
    async () => (await swarms()).swarmAddrs,
  )
  act(
    leaf(
      swarm,
      'connect <multiaddr>',
      'connect to a peer',
      'swarm connect /ip4/192.168.1.5/tcp/4101/p2p/12D3KooW…',
    ),
    async () => (await swarms()).swarmConnect,
  )
  act(
    leaf(
      swarm,
      'disconnect <peer>',
      'close the connections to a peer',
      'swarm disconnect 12D3KooWJ7',
    ),
    async () => (await swarms()).swarmDisconnect,
  )

  const routing = group('routing', 'ask and tell the DHT')
  act(
    leaf(routing, 'findprovs <cid>', 'who has this content', 'routing findprovs zDMZof1m…').option(
      '-n, --count <count>',
      'stop after so many (default: 20)',
      wholeNumber('--count', 1, 1000),
    ),
    async () => (await swarms()).findProviders,
  )
  act(
    leaf(routing, 'provide <cid>', 'announce that this node has it', 'routing provide zDMZof1m…'),
    async () => (await swarms()).provide,
  )
  act(
    leaf(program, 'ping <peer>', 'round trips to a peer', 'ping 12D3KooWJ7 -n 3').option(
      '-n, --count <count>',
      'round trips (default: 5)',
      wholeNumber('--count', 1, 1_000_000),
    ),
    async () => (await swarms()).ping,
  )
  act(
    leaf(
      program,
      'diag [what]',
      'a bundle for a bug report, secrets left out; "diag healthy": exit 0 if healthy',
      'diag > report.json',
    ),
    async () => (await import('./diag.js')).diag,
  )
  act(
    leaf(
      program,
      'bench',
      'measure this machine and node: disk, hash, network, commit latency',
      'bench',
    ).option(
      '--size <size>',
      'bytes of each disk and hash measurement (default: 256MiB)',
      sizeArgument('--size'),
    ),
    async () => (await import('./bench.js')).bench,
  )
}

const STALE = "of a path: what this node's own replica says, perhaps behind the cluster"

function addContentCommands({ program, act, leaf, group }: Build): void {
  program.commandsGroup('Content:')
  act(
    leaf(
      program,
      'publish <path...>',
      'store, pin and announce files and folders; "-" is stdin',
      'publish -r photos --name holiday',
    )
      .option('-r, --recursive', 'publish folders with what is in them')
      .option('-q, --quiet', 'print CIDs only')
      .option('-Q, --quieter', "print the root's CID only")
      .option('--only-hash', 'compute CIDs, store nothing')
      .addOption(
        new SettingOption(
          '--chunk-size <size>',
          'publish.chunk_size',
          'chunk size, 64KiB to 4MiB, or auto',
        ),
      )
      .addOption(new SettingOption('--chunker <kind>', 'publish.chunker', 'fixed or fastcdc'))
      .addOption(
        new SettingOption('--replicate <n>', 'publish.replicate', 'make copies on so many peers'),
      )
      .addOption(new SettingOption('--ttl <duration>', 'publish.ttl', 'unpin after so long'))
      .addOption(new SettingOption('--no-pin', 'publish.pin', "don't pin: gc may free it"))
      .option('--name <name>', 'name of the pin (default: the file name)'),
    async () => (await import('./publish.js')).publish,
  )
  const timeout = () =>
    new SettingOption('--timeout <duration>', 'get.timeout', 'fail after so long without an answer')
  act(
    leaf(
      program,
      'get <cid|path>',
      'fetch to a file or folder; resumes what was interrupted',
      'get zDMZof1m… -o photos',
    )
      .option('-o, --output <out>', 'write there (default: the name or the CID; "-" is stdout)')
      .option('--force', 'overwrite what is there')
      .option('--stale', STALE)
      .addOption(timeout()),
    async () => (await import('./get.js')).get,
  )
  act(
    leaf(
      program,
      'cat <cid|path>',
      "write a file's bytes to stdout",
      'cat zDMZof1m… --offset 1MiB --length 64KiB',
    )
      .option('--offset <n>', 'start there (default: 0)', sizeArgument('--offset'))
      .option('--length <n>', 'stop after so many bytes', sizeArgument('--length'))
      .option('--stale', STALE)
      .addOption(timeout()),
    async () => (await import('./get.js')).cat,
  )
  const contents = async () => await import('./content.js')
  act(
    leaf(
      program,
      'ls [cid|path]',
      'entries of a folder; without argument, what is pinned here; / is the cluster',
      'ls /photos -l',
    )
      .option('-l, --long', 'kind and size too')
      .option('--stale', STALE)
      .addOption(timeout()),
    async () => (await contents()).ls,
  )
  act(
    leaf(
      program,
      'stat <cid|path>',
      'size, chunks, chunk size, sha256, where the copies are',
      'stat zDMZof1m… --json',
    )
      .option('--stale', STALE)
      .addOption(timeout()),
    async () => (await contents()).stat,
  )
  const pin = group('pin', 'what gc must keep')
  act(
    leaf(pin, 'add <cid...>', 'fetch content and keep it', 'pin add zDMZof1m… --ttl 7d')
      .option('--name <name>', 'name of the pin')
      .option('--ttl <duration>', 'unpin after so long (default: never)', durationArgument('--ttl'))
      .addOption(timeout()),
    async () => (await contents()).pinAdd,
  )
  act(
    leaf(pin, 'rm <cid...>', 'keep it no longer', 'pin rm zDMZof1m…'),
    async () => (await contents()).pinRemove,
  )
  act(
    leaf(pin, 'ls [cid]', 'what is pinned here', 'pin ls'),
    async () => (await contents()).pinList,
  )
  act(
    leaf(program, 'gc', 'free what nothing refers to', 'gc --dry-run').option(
      '--dry-run',
      'only say what would be freed',
    ),
    async () => (await contents()).gc,
  )
  act(
    leaf(
      program,
      'verify [cid]',
      're-read and check every chunk; exit 3 if something is damaged',
      'verify --repair',
    ).option('--repair', 'fetch what is damaged from other peers'),
    async () => (await contents()).verify,
  )
}

function addOtherCommands({ program, act, leaf }: Build): void {
  program.commandsGroup('Other:')
  act(
    leaf(program, 'version', 'print the version', 'version'),
    async () => async (session) => {
      if (session.json) {
        const { version: node } = process
        session.value({ version: packageVersion(), nodeVersion: node })
      } else {
        session.line(`dps-node ${packageVersion()}`)
      }
    },
    true,
  )
  act(
    leaf(
      program,
      'completion <shell>',
      'print a completion script for bash, zsh or fish',
      'completion bash > /etc/bash_completion.d/dps-node',
    ),
    async () => {
      const { completionFor } = await import('./completion.js')
      return async (session, [shell]) => {
        session.out.write(completionFor(program, String(shell)))
      }
    },
    true,
  )
  const help = leaf(program, 'help [command...]', 'show usage of a command', 'help publish')
  help.action((words: string[]) => {
    let at = program
    for (const word of words) {
      const next = at.commands.find((command) => command.name() === word)
      if (next === undefined) {
        const nearest = nearestOf(
          word,
          at === program ? commandNames(program) : at.commands.map((c) => c.name()),
        )
        throw usageError(
          `unknown command '${words.join(' ')}'`,
          nearest === undefined
            ? 'list all commands with: dps-node --help'
            : `did you mean '${nearest}'?`,
        )
      }
      at = next
    }
    at.outputHelp()
  })
}

const SEE_START = 'see: dps-node start --help'

function commandNames(program: Command): string[] {
  return program.commands.map((command) => command.name())
}
