import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['@burgeon/source'] },
  ssr: { resolve: { conditions: ['@burgeon/source'], externalConditions: ['@burgeon/source'] } },
  test: { include: ['test/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 120_000 },
})
