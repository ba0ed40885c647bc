/**
 * Keys that the server makes for itself: that of the demo mode's tokens (AUTH3), and that of invitations where it is given
 * no secret to derive one from. Made once, kept in the data folder, readable by its owner only. Call it with the store open,
 * so that no second server makes another key in the same folder.
 */

import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'

const keyBytes = 32

/** By the name of its file: what a fresh one means. */
const losses = {
  'demo-key': 'everybody signs in again then, and is invited again',
  'invitation-key': 'the invitations that were made before do not work then',
} as const

/** The key in `dataDir`; a fresh one of `random` bytes the first time. Rejects when the file there is not a key. */
export async function loadKey(
  dataDir: string,
  name: keyof typeof losses,
  random: (bytes: number) => Uint8Array,
): Promise<Uint8Array> {
  const path = join(dataDir, name)
  const text = await readIfThere(path)
  if (text === undefined) {
    const key = Uint8Array.from(random(keyBytes))
    await writeDurably(dataDir, path, `${Buffer.from(key).toString('base64url')}\n`)
    return key
  }
  const key = Buffer.from(text.trim(), 'base64url')
  if (key.length !== keyBytes || key.toString('base64url') !== text.trim()) {
    throw new Error(`${path} is not a key. Remove the file and a fresh one is made; ${losses[name]}.`)
  }
  await chmod(path, 0o600)
  return Uint8Array.from(key)
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new Error(`${path} cannot be read`, { cause: error })
  }
}

/** A reader finds the whole file or none, also after a crash. */
async function writeDurably(folder: string, path: string, text: string): Promise<void> {
  const unfinished = `${path}.unfinished`
  await mkdir(folder, { recursive: true })
  const file = await open(unfinished, 'w', 0o600)
  try {
    // An unfinished file of an earlier attempt keeps its mode.
    await file.chmod(0o600)
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(unfinished, path)
  const directory = await open(folder, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
