/**
 * What every room stands on: errors, lifecycle, abort, clock, random. A closed list.
 *
 * Goals: one error type with one table of meanings; cancellation that travels; time and chance
 * as parts that are given.
 * Non-goals: helpers. What only one room needs lives in that room.
 */
export * from './abort.js'
export * from './clock.js'
export * from './errors.js'
export * from './lifecycle.js'
export * from './random.js'
