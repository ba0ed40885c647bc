// One run for everything: unit, contract, process and browser tests. Knows where tests lie, not what they do.
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['tests/**/*.test.{ts,tsx}'],
    globalSetup: ['tests/helpers/global-setup.ts'],
    // Process and browser tests start whole servers; a timeout here means stuck, not slow.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A test that passes at the second attempt has failed.
    retry: 0,
    // Many tests wait, for timers, disks and processes: more of them at once than there are processors. Vitest leaves one out.
    maxWorkers: Math.max(3, availableParallelism()),
    coverage: {
      provider: 'v8',
      include: ['shared/**/*.ts', 'server/**/*.ts', 'client/**/*.{ts,tsx}'],
      exclude: ['**/*.d.ts', 'tests/**', 'client/web/vite.config.ts'],
      // The table and the thresholds are those of tests/coverage/report.ts, which also counts child processes and Chromium.
      reporter: ['json'],
      reportsDirectory: 'coverage/vitest',
    },
  },
})
