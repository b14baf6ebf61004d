#!/usr/bin/env node
/** Starts the command line. What is published is compiled; a checkout runs its sources, and so needs no build. */
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'

// From Node 22 on, compiled modules are kept in a temporary folder, so that the next start takes half as long.
nodeModule.enableCompileCache?.()

/** Only a checkout has the compiler's settings here: they are not published. */
const isCheckout = existsSync(new URL('../tsconfig.json', import.meta.url))

if (!isCheckout) await import(String(new URL('../dist/main.js', import.meta.url)))
else if (process.features.typescript && nodeModule.registerHooks) {
  nodeModule.registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: ['@burgeon/source', ...context.conditions] }),
  })
  await import(String(new URL('../src/main.ts', import.meta.url)))
} else {
  process.stderr.write(
    `burgeon: Node ${process.versions.node} cannot run the sources of a checkout. ` +
      'Start it as `npx burgeon`, which takes the newer Node that `npm ci` brings along.\n',
  )
  process.exitCode = 1
}
