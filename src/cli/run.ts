/** One command from argv to its exit code: parse, load settings, run, report. */
import { setMaxListeners } from 'node:events'
import { type Command, CommanderError } from 'commander'
import { AssertionError, DpsError, toDpsError } from '../base/index.js'
import { type LoadedSettings, loadDefaults, loadSettingsWithSources } from '../config.js'
import { EXIT_INTERRUPTED, fromCommander, reportOf } from './errors.js'
import { type Io, Output } from './io.js'
import { settingFlags } from './options.js'
import { buildProgram, commandPath, type Invocation } from './program.js'
import { Session } from './session.js'

/** The reason of an abort because nobody reads stdout any longer. */
const READER_GONE = new DpsError('CANCELLED', 'the reader of the output has gone')

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const controller = new AbortController()
  // Calls that run side by side all listen: many are no leak.
  setMaxListeners(0, controller.signal)
  const out = new Output(io.stdout, (failure) => controller.abort(failure ?? READER_GONE))
  const err = new Output(io.stderr)
  const unhook = io.onSignal(() => {
    if (controller.signal.aborted) io.exit(EXIT_INTERRUPTED)
    controller.abort(new DpsError('CANCELLED', 'interrupted'))
  })
  const style = styleOf(argv, io)
  let code = 0
  try {
    let invocation: Invocation | undefined
    const program = buildProgram({
      out,
      colors: { out: useColors(io.stdout, io), err: useColors(io.stderr, io) },
      invoke: (found) => {
        invocation = found
      },
    })
    await parse(program, argv)
    if (invocation !== undefined) {
      code = await execute(invocation, { io, out, err, signal: controller.signal, style })
    }
  } catch (error) {
    code = report(error, { err, style, signal: controller.signal })
  }
  await out.flush()
  // The last words may fail when all work is done.
  if (out.failure !== undefined && code === 0) {
    code = report(out.failure, { err, style, signal: controller.signal })
  }
  unhook()
  await err.flush()
  return code
}

interface Style {
  json: boolean
  colors: boolean
  stack: boolean
}

interface Surroundings {
  io: Io
  out: Output
  err: Output
  signal: AbortSignal
  style: Style
}

/** Before the settings are known, errors are told as the flags and the environment wish. */
function styleOf(argv: readonly string[], io: Io): Style {
  const end = argv.indexOf('--')
  const flags = end === -1 ? argv : argv.slice(0, end)
  const level = flags.findLastIndex((flag) => /^--log-level(=|$)/.test(flag))
  const value = flags[level]?.split('=')[1] ?? flags[level + 1]
  const chosen = level === -1 ? io.env.DPS_LOG_LEVEL : value
  return {
    json: flags.includes('--json') || io.env.DPS_OUTPUT_JSON === 'true',
    colors: useColors(io.stderr, io),
    stack: chosen === 'debug' || chosen === 'trace',
  }
}

function useColors(stream: { isTTY?: boolean }, io: Io): boolean {
  return stream.isTTY === true && !io.env.NO_COLOR && io.env.TERM !== 'dumb'
}

async function parse(program: Command, argv: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return
    throw fromCommander(error, commandPath(program, argv))
  }
}

async function execute(invocation: Invocation, around: Surroundings): Promise<number> {
  const { command, spec } = invocation
  const { io, out, err, signal, style } = around
  const globals = command.optsWithGlobals<{ dataDir?: string }>()
  const source = {
    env: io.env,
    flags: settingFlags(command),
    ...(globals.dataDir === undefined ? {} : { dataDir: globals.dataDir }),
  }
  // A command that can mend the settings must run on broken ones.
  const loaded: LoadedSettings = spec.lenient
    ? await loadSettingsWithSources(source).catch(() => loadDefaults(source))
    : await loadSettingsWithSources(source)
  style.json = loaded.settings.output.json
  if (style.json) style.colors = false
  const level = loaded.settings.log.level
  style.stack = level === 'debug' || level === 'trace'
  const session = new Session({
    io,
    out,
    err,
    ...loaded,
    signal,
    colors: {
      out: useColors(io.stdout, io) && !style.json,
      err: useColors(io.stderr, io) && !style.json,
    },
  })
  let code: number
  try {
    const handler = await spec.load()
    code = (await handler(session, invocation.args, invocation.options)) ?? 0
  } catch (error) {
    await session.close().catch(() => {})
    throw session.explain(error)
  }
  await session.close()
  return code
}

function report(thrown: unknown, around: Pick<Surroundings, 'err' | 'style' | 'signal'>): number {
  const { err, style, signal } = around
  if (signal.reason === READER_GONE) return 0
  const error = signal.aborted ? toDpsError(signal.reason) : describe(thrown)
  err.write(reportOf(error, style))
  return error.exitCode
}

/** A programming error is told in one line too; its stack needs `--log-level debug`. */
function describe(thrown: unknown): DpsError {
  const error = toDpsError(thrown)
  if (error.code !== 'INTERNAL' || thrown instanceof DpsError) return error
  const hint = 'this is a bug: run again with --log-level debug and report it'
  const message = thrown instanceof AssertionError ? thrown.message : `unexpected: ${error.message}`
  return new DpsError('INTERNAL', message, { hint, cause: thrown })
}
