import { defineConfig } from 'vite'

/** With these headers a browser grants shared memory, and WebAssembly computes on several threads. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

export default defineConfig({
  base: './',
  worker: { format: 'es' },
  server: { headers },
  preview: { headers },
})
