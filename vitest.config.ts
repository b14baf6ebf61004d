import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// Ends a test that hangs. Tests wait for states, so no busy machine comes near it.
const hangs = 3_600_000

export default defineConfig({
  resolve: { conditions: ['@burgeon/source'] },
  ssr: { resolve: { conditions: ['@burgeon/source'], externalConditions: ['@burgeon/source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    // Modules are loaded once in each process, and not anew for every file.
    isolate: false,
    // Compiled modules are kept for the processes that tests start, which are many.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/node-compile') },
    globalSetup: ['test/own-temporary-folder.ts', 'test/bundled-sources.ts'],
    setupFiles: ['test/fixed-seed.ts'],
    // One file on each core; unless told, one core is left idle.
    maxWorkers: '100%',
    testTimeout: hangs,
    hookTimeout: hangs,
    teardownTimeout: hangs,
    expect: { poll: { timeout: hangs } },
  },
})
