import { defineConfig } from 'vitest/config'

// Two projects: unit tests share the machine's cores; integration tests start real nodes, so they
// run one file at a time and may take longer.
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
          exclude: ['test/integration/**', 'test/package.test.ts'],
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
    ],
  },
})
