import { defineConfig } from 'vitest/config'

// Ends a test that hangs. Tests wait for states, so no busy machine comes near it.
const hangs = 3_600_000

export default defineConfig({
  resolve: { conditions: ['@burgeon/source'] },
  ssr: { resolve: { conditions: ['@burgeon/source'], externalConditions: ['@burgeon/source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/fixed-seed.ts'],
    // One file on each core; unless told, one core is left idle.
    maxWorkers: '100%',
    testTimeout: hangs,
    hookTimeout: hangs,
    teardownTimeout: hangs,
    expect: { poll: { timeout: hangs } },
  },
})
