/** Has the imports of a program lead into the bundle of `bundled-sources.ts`. Given to Node with `--import`. */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

const file = new URL('../node_modules/.cache/bundled-sources/places.json', import.meta.url)
const places = new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8'))))

registerHooks({
  resolve: (specifier, context, next) => {
    const url = places.get(specifier)
    return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true }
  },
})
