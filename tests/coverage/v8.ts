// Raw V8 coverage as Node and Chromium write it, and the one question asked of it: did this place run?

/** Coverage of one script, as `NODE_V8_COVERAGE` files and Playwright's `stopJSCoverage()` hold it. */
export interface V8Script {
  readonly url: string
  readonly functions: readonly {
    readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[]
  }[]
}

/**
 * For each offset into the script (UTF-16 units, ascending), whether the code there ran. Ranges of one script nest, so
 * the innermost around an offset tells.
 */
export function ranAt(script: V8Script, offsets: readonly number[]): boolean[] {
  const ranges = script.functions
    .flatMap((one) => one.ranges)
    .toSorted((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset)
  const open: { endOffset: number; count: number }[] = []
  let next = 0
  return offsets.map((offset) => {
    for (let range = ranges[next]; range !== undefined && range.startOffset <= offset; range = ranges[++next]) {
      closeUpTo(range.startOffset)
      open.push(range)
    }
    closeUpTo(offset)
    return (open.at(-1)?.count ?? 0) > 0
  })

  function closeUpTo(offset: number): void {
    while (open.length > 0 && (open.at(-1)?.endOffset ?? 0) <= offset) open.pop()
  }
}
