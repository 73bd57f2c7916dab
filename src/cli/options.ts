/** Options: those that are settings, and parsers of values that are none. */
import { type Command, Option } from 'commander'
import { parseDuration, parseSetting, parseSize, settingOf } from '../config.js'
import { usageError } from './errors.js'

/** A flag that is a setting: default, validation and meaning come from the settings' table. */
export class SettingOption extends Option {
  readonly key: string

  constructor(flags: string, key: string, doc?: string) {
    const setting = settingOf(key)
    const fallback = setting.shape.toToml(setting.fallback).replace(/^\[?"(.*?)"\]?$/, '$1')
    const worthSaying = !['', '[]', 'true', 'false'].includes(fallback)
    const note = worthSaying ? ` (default: ${fallback})` : ''
    super(flags, `${doc ?? setting.doc.replace(/\.$/, '')}${note}`)
    this.key = key
    if (!this.required && !this.optional) return
    const name = flags.split(/[ ,]+/).find((flag) => flag.startsWith('--')) ?? flags
    const isList = Array.isArray(setting.fallback)
    this.argParser<unknown>((text, previous) => {
      const value = parseSetting(key, text, name)
      return isList
        ? [...((previous as string[] | undefined) ?? []), ...(value as string[])]
        : value
    })
  }
}

/** The settings that were given as flags, by key. */
export function settingFlags(command: Command): Record<string, unknown> {
  const flags: Record<string, unknown> = {}
  for (let at: Command | null = command; at !== null; at = at.parent) {
    for (const option of at.options) {
      if (!(option instanceof SettingOption)) continue
      const name = option.attributeName()
      if (at.getOptionValueSource(name) === 'cli') flags[option.key] = at.getOptionValue(name)
    }
  }
  return flags
}

export function wholeNumber(flag: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw badArgument(flag, text, `a whole number from ${min} to ${max}`)
  }
}

export function sizeArgument(flag: string): (text: string) => number {
  return (text) => {
    const value = parseSize(text)
    if (value !== undefined) return value
    throw badArgument(flag, text, 'bytes: a number, or a size like 256KiB')
  }
}

export function durationArgument(flag: string): (text: string) => number {
  return (text) => {
    const value = parseDuration(text)
    if (value !== undefined && value >= 1000) return value
    throw badArgument(flag, text, 'a duration of 1s or more, like 30s, 1h, 7d')
  }
}

function badArgument(flag: string, text: string, accepts: string): Error {
  return usageError(`bad value for ${flag}: ${JSON.stringify(text)}`, `accepted: ${accepts}`)
}
