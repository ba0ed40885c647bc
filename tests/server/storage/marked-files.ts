// Random markers, and the files in which one is found: what says whether something has vanished from the medium.
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** 32 random bytes, as 64 characters. */
export function newMarker(): string {
  return randomBytes(32).toString('hex')
}

/**
 * So many characters of a marker in a row are one: compression breaks it where four characters have just been before, which is often
 * among other markers, but leaves a piece that is longer than this, and by chance no file has one.
 */
const pieceLength = 10
const hexRuns = /[0-9a-f]{10,}/g
const listings = 50

/** The files, in any folder below, that hold a piece of a marker. */
export async function filesWith(location: string, marker: string): Promise<readonly string[]> {
  return (await filesWithEach(location, [marker])).get(marker) ?? []
}

/** Of those markers of which a piece is in some file: in which. As of one moment at which no file came or went. */
export async function filesWithEach(
  location: string,
  markers: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const pieces = new Map(markers.flatMap((marker) => piecesOf(marker).map((piece) => [piece, marker])))
  for (let listing = 0; listing < listings; listing++) {
    const found = new Map<string, readonly string[]>()
    const names = await namesIn(location)
    for (const name of names) {
      const text = await readIfThere(join(location, name))
      const here = new Set(
        [...text.matchAll(hexRuns)].flatMap(([run]) => piecesOf(run)).map((piece) => pieces.get(piece)),
      )
      for (const marker of here) if (marker !== undefined) found.set(marker, [...(found.get(marker) ?? []), name])
    }
    if (JSON.stringify(await namesIn(location)) === JSON.stringify(names)) return found
  }
  throw new Error(`files came and went ${listings} times`)
}

function piecesOf(run: string): readonly string[] {
  return Array.from({ length: run.length - pieceLength + 1 }, (_, at) => run.slice(at, at + pieceLength))
}

async function namesIn(location: string): Promise<readonly string[]> {
  return (await readdir(location, { recursive: true })).toSorted()
}

/** Empty for a folder, and for a file that LevelDB removes meanwhile. */
async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'latin1')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EISDIR')) return ''
    throw error
  }
}
