// Loaded into a server before it starts (`node --expose-gc --import …`): collects all garbage and tells what is left,
// whenever its parent asks.
export interface MemoryUse {
  readonly rssKb: number
  /** Of the JavaScript heap and of the buffers outside it. */
  readonly usedKb: number
}

process.on('message', () => {
  // Twice, for what finalizers let go of.
  globalThis.gc?.()
  globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  const use: MemoryUse = { rssKb: rss / 1024, usedKb: (heapUsed + external) / 1024 }
  process.send?.(use)
})
// The server is to end by itself.
process.channel?.unref()
