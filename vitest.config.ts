import { defineConfig } from 'vitest/config'

// Two projects: unit tests share the machine's cores; integration tests start real nodes, so they
// run one file at a time and may take longer.
// Whole clusters, thousands of times: minutes of all cores.
const SIM = ['sim', 'scenarios', 'bugs'].map((name) => `test/sim/${name}.test.ts`)

export default defineConfig({
  test: {
    reporters: process.env.DPS_TEST_REPORT
      ? ['default', ['json', { outputFile: process.env.DPS_TEST_REPORT }]]
      : ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**', ...SIM, 'test/package.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/package.test.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'sim',
          include: SIM,
          // Each file keeps all cores busy by itself.
          fileParallelism: false,
          maxConcurrency: 2,
          testTimeout: 600_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
