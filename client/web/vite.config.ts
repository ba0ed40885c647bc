import { fileURLToPath } from 'node:url'

import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Bundles the web chat into dist/web, which the server serves at `/`. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    // React, Yjs and the SDK: 203 KB on the wire. Beyond this somebody should look at what came in.
    chunkSizeWarningLimit: 670,
    outDir: fileURLToPath(new URL('../../dist/web', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // Coverage of browser tests finds its way back to the sources through these.
    sourcemap: true,
  },
})
